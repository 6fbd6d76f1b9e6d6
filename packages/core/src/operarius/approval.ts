import type { JsonObject } from '../kubernetes.ts';
import { at } from './fields.ts';
import { invalid } from './invalid-operarius.ts';
import { isOthers, KUEUE_LABEL } from './never-starts.ts';

/**
 * Refuses a Job that other software would release: with Kueue's label Kueue does, as soon as there is quota,
 * and no other controller is known to wait for a person.
 *
 * @throws {InvalidOperarius} naming the field
 */
export function refuseReleased(template: JsonObject): void {
  const label = at(template, 'metadata', 'labels', KUEUE_LABEL);
  const managedBy = at(template, 'spec', 'managedBy');
  if (label !== undefined) {
    const message = `with mode approve a person releases the Job, but the label ${KUEUE_LABEL} lets Kueue do it`;
    throw invalid('policy', '', message, 'remove the label').at('metadata.labels');
  }
  if (isOthers(managedBy)) {
    const message = `with mode approve a person releases the Job, but spec.managedBy is ${JSON.stringify(managedBy.slice(0, 63))}`;
    throw invalid('policy', '', message, 'remove it').at('spec.managedBy');
  }
}

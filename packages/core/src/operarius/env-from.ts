import type { Json, JsonObject } from '../kubernetes.ts';
import { at, items } from './fields.ts';
import { type Finding, inField, warning } from './findings.ts';

/** What the names of OpenFero's own variables begin with. */
const OURS = 'OPENFERO_';

/**
 * Warns of `envFrom`: of a name that a Secret or a ConfigMap defines there, too, Kubernetes takes the value
 * in `env`, which is OpenFero's, without a word. Which names there are cannot be known here. With a
 * `prefix` that OpenFero's names do not have, none can meet.
 *
 * @param template a manifest that checkManifest has found good
 */
export function sharedNames(template: JsonObject, place: string): Finding[] {
  const pod = at(template, 'spec', 'template', 'spec');
  return ['initContainers', 'containers'].flatMap((list) =>
    items(at(pod, list))
      .map((container, i) => ({ container, path: `spec.template.spec.${list}[${i}].envFrom` }))
      .filter(({ container }) => items(at(container, 'envFrom')).some(canMeet))
      .map(({ container, path }) => {
        const name = at(container, 'name');
        const message = `container ${typeof name === 'string' ? name : '?'}: if what envFrom reads defines a name that OpenFero sets (${OURS}...), OpenFero's value wins`;
        const fix = 'give it another name, or define it in env';
        return inField(path, warning('own-variable', place, message, fix));
      }),
  );
}

function canMeet(source: Json): boolean {
  const value = at(source, 'prefix');
  const prefix = typeof value === 'string' ? value : '';
  return prefix.startsWith(OURS) || OURS.startsWith(prefix);
}

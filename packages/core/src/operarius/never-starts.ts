import type { Json, JsonObject } from '../kubernetes.ts';
import { at } from './fields.ts';
import { error, type Finding, inField, warning } from './findings.ts';

const JOB_CONTROLLER = 'kubernetes.io/job-controller';
const SCHEDULER = 'default-scheduler';
const POD = 'spec.template.spec';

/** Kueue takes Jobs with this label out of their suspension. */
export const KUEUE_LABEL = 'kueue.x-k8s.io/queue-name';

/**
 * Finds what keeps a Job from ever starting a Pod, although an API server takes it: an error where
 * nothing in Kubernetes could start it, a warning where other software might.
 *
 * @param template a manifest that checkManifest has found good
 */
export function neverStarts(template: JsonObject, place: string): Finding[] {
  const spec = at(template, 'spec');
  const pod = at(spec, 'template', 'spec');
  return [
    ...atZero(spec, place),
    ...suspended(template, place),
    ...otherController(spec, place),
    ...otherScheduler(pod, place),
  ];
}

function atZero(spec: Json | undefined, place: string): Finding[] {
  const none = 'so no Pod is ever started';
  const fields: readonly (readonly [string, string])[] = [
    ['parallelism', none],
    ['completions', none],
    ['activeDeadlineSeconds', 'so the Job fails at once'],
  ];
  return fields
    .filter(([field]) => at(spec, field) === 0)
    .map(([field, effect]) =>
      inField(
        `spec.${field}`,
        error('never-starts', place, `spec.${field} is 0, ${effect}`, 'remove it, or raise it'),
      ),
    );
}

function suspended(template: JsonObject, place: string): Finding[] {
  if (at(template, 'spec', 'suspend') !== true) return [];
  if (at(template, 'metadata', 'labels', KUEUE_LABEL) !== undefined) return [];
  const message =
    'spec.suspend is true: its Jobs start no Pod until someone resumes them, and count towards max-active';
  return [inField('spec.suspend', warning('never-starts', place, message, 'remove it'))];
}

function otherController(spec: Json | undefined, place: string): Finding[] {
  const managedBy = at(spec, 'managedBy');
  if (!isOthers(managedBy)) return [];
  const message = `spec.managedBy is ${shown(managedBy)}: only a controller of that name starts its Pods`;
  const fix = 'remove it, unless that controller runs';
  return [inField('spec.managedBy', warning('never-starts', place, message, fix))];
}

/** Whether it names another controller than Kubernetes' own. */
export const isOthers = (managedBy: Json | undefined): managedBy is string =>
  typeof managedBy === 'string' && managedBy !== JOB_CONTROLLER;

function otherScheduler(pod: Json | undefined, place: string): Finding[] {
  const gates = at(pod, 'schedulingGates');
  const scheduler = at(pod, 'schedulerName');
  const found: Finding[] = [];
  if (Array.isArray(gates) && gates.length > 0) {
    const message =
      'spec.template.spec.schedulingGates keeps its Pods from starting until someone removes the gates';
    found.push(
      inField(`${POD}.schedulingGates`, warning('never-starts', place, message, 'remove it')),
    );
  }
  if (typeof scheduler === 'string' && scheduler !== SCHEDULER && scheduler !== '') {
    const message = `spec.template.spec.schedulerName is ${shown(scheduler)}: only a scheduler of that name starts its Pods`;
    const fix = 'remove it, unless that scheduler runs';
    found.push(inField(`${POD}.schedulerName`, warning('never-starts', place, message, fix)));
  }
  return found;
}

/** A name is short; what is not is no name. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, 63));
}

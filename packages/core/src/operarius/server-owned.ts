import { isObject, type Json, type JsonObject } from '../kubernetes.ts';
import { at, containersOf } from './fields.ts';
import { error, type Finding, inField, warning } from './findings.ts';

/** A template without what belongs to one object in one cluster. */
export interface WithoutServerOwned {
  readonly template: JsonObject;
  readonly findings: readonly Finding[];
}

/**
 * Fields that a server or a controller writes, and that would change what becomes of a Job: with the
 * owner of another Job the garbage collector deletes it at once, with a finalizer nothing can delete
 * it, and with the selector of another Job it counts that Job's Pods.
 */
const REFUSED: readonly (readonly string[])[] = [
  ['metadata', 'ownerReferences'],
  ['metadata', 'finalizers'],
  ['spec', 'selector'],
  ['spec', 'manualSelector'],
  ['spec', 'template', 'metadata', 'finalizers'],
];

/** Of an object: a server fills them in, and ignores or refuses what it is sent. */
const OF_OBJECT = [
  ...['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp'],
  ...['deletionGracePeriodSeconds', 'managedFields', 'selfLink'],
];

/** The job controller writes them into every Job and its Pods, with that Job's name and uid. */
const GENERATED_LABELS = [
  ...['controller-uid', 'job-name'],
  ...['batch.kubernetes.io/controller-uid', 'batch.kubernetes.io/job-name'],
];

const LEFT_OUT: readonly (readonly string[])[] = [
  ['status'],
  ...OF_OBJECT.map((field) => ['metadata', field]),
  ...GENERATED_LABELS.map((label) => ['metadata', 'labels', label]),
  ...[...OF_OBJECT, 'ownerReferences'].map((field) => ['spec', 'template', 'metadata', field]),
  ...GENERATED_LABELS.map((label) => ['spec', 'template', 'metadata', 'labels', label]),
];

/** Of a Job that OpenFero has made: with them the Pods would read the alert of that time. */
const OF_ANOTHER_ALERT = ['OPENFERO_META_FINGERPRINT', 'OPENFERO_META_STARTS_AT'];

/**
 * Leaves out what `kubectl get job -o yaml` shows and no author writes. What is empty goes without a
 * word: `kubectl create --dry-run=client -o yaml` writes `creationTimestamp: null` and `status: {}`.
 *
 * @param template a manifest that checkManifest has found good
 */
export function withoutServerOwned(template: JsonObject, place: string): WithoutServerOwned {
  const refused = [...present(template, REFUSED), ...environmentOf(template)];
  const leftOut = present(template, LEFT_OUT);
  const all = [...refused, ...leftOut].join(', ');
  const cleaned = [...LEFT_OUT, ...REFUSED].reduce(without, template);
  if (refused.length > 0) {
    const message = 'it was copied from a cluster, with what a server wrote for one single Job';
    const finding = error('manifest', place, message, `remove ${all}`);
    return { template: cleaned, findings: [inField(refused[0] ?? '', finding)] };
  }
  if (leftOut.length === 0) return { template: cleaned, findings: [] };
  const message = `what a server wrote is left out: ${all}`;
  const finding = warning('manifest', place, message, 'remove it');
  return { template: cleaned, findings: [inField(leftOut[0] ?? '', finding)] };
}

function present(template: JsonObject, paths: readonly (readonly string[])[]): string[] {
  return paths.filter((path) => !isEmpty(at(template, ...path))).map((path) => path.join('.'));
}

function environmentOf(template: JsonObject): string[] {
  const names = containersOf(template).flatMap(({ env }) => env.map(({ name }) => name));
  return names.some((name) => OF_ANOTHER_ALERT.includes(name))
    ? ['the OPENFERO_ variables of its containers']
    : [];
}

function isEmpty(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** A copy without the field, sharing the rest. */
function without(value: JsonObject, [name = '', ...rest]: readonly string[]): JsonObject {
  if (!Object.hasOwn(value, name)) return value;
  const { [name]: inner, ...others } = value;
  if (rest.length === 0) return others;
  return isObject(inner) ? { ...others, [name]: without(inner, rest) } : value;
}

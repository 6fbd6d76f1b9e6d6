import { type ConfigMap, isObject, type Json, type JsonObject } from '../kubernetes.ts';
import { ANNOTATIONS, LABELS } from '../labels.ts';
import { MODES } from '../mode.ts';
import { at } from './fields.ts';
import { error, type Finding, inField, warning } from './findings.ts';
import { dataKey } from './names.ts';
import {
  ANNOTATION_PREFIX,
  meantPolicy,
  POLICY_ANNOTATIONS,
  spelled,
  wantsOff,
} from './policy-names.ts';

/** A key with its value, and what it is: `label`, `annotation`, `data key`. */
interface Written {
  readonly what: string;
  readonly key: string;
  readonly value: unknown;
  /** Of the finding: see {@link Finding.path}. */
  readonly path: string;
}

const OFF = `write the annotation ${POLICY_ANNOTATIONS.mode}: "off" on the ConfigMap`;

/**
 * Finds what its author meant as a policy, or as a switch, and wrote where OpenFero does not read it:
 * with another prefix, as a label, as a data key, inside the Job. An error wherever ignoring it could
 * run what somebody wanted to stop or to restrict. Annotations that begin with openfero.io/ are not
 * looked at: reading the policy refuses the wrong ones.
 */
export function misplacedPolicies(
  { metadata, data = {} }: ConfigMap,
  alertname: string,
  place: string,
): Finding[] {
  const { annotations, labels } = metadata;
  const keys = Object.entries(data).filter(([key]) => key !== dataKey(alertname));
  return [
    ...written('annotation', annotations, 'metadata.annotations')
      .filter(({ key }) => !key.startsWith(ANNOTATION_PREFIX))
      .flatMap((one) => findingsOf(one, place)),
    ...written('label', labels, 'metadata.labels').flatMap((one) => findingsOf(one, place)),
    // A single key holds the Job, whatever its name.
    ...(keys.length < Object.keys(data).length || keys.length > 1 ? keys : [])
      .map(([key, value]) => ({ what: 'data key', key, value, path: `data.${key}` }))
      .filter(({ value }) => isShort(value))
      .flatMap((one) => findingsOf(one, place)),
  ];
}

/** The same inside the Job, whose own labels and annotations are nobody's policy. */
export function misplacedInJob(template: JsonObject, place: string): Finding[] {
  return [
    ...inJob(at(template, 'metadata'), 'metadata', place),
    ...inJob(at(template, 'spec', 'template', 'metadata'), 'spec.template.metadata', place),
  ];
}

const OWN: readonly string[] = [...Object.values(LABELS), ...Object.values(ANNOTATIONS)];

function inJob(metadata: Json | undefined, path: string, place: string): Finding[] {
  return ['annotations', 'labels']
    .flatMap((list) => written(`${path}.${list}`, at(metadata, list), `${path}.${list}`))
    .filter(({ key }) => !OWN.includes(key) && spelled(key)?.prefix !== 'bare')
    .flatMap((one) => findingsOf(one, place));
}

function findingsOf(one: Written, place: string): Finding[] {
  return whatIsWrong(one, place).map((finding) => inField(one.path, finding));
}

function whatIsWrong(one: Written, place: string): Finding[] {
  const { what, key, value } = one;
  const spelling = spelled(key);
  if (spelling === undefined || OWN.includes(key)) return [];
  const message = `${what} ${key} is not read by OpenFero`;
  const policy = meantPolicy(spelling);
  if (policy !== undefined && isMeant(one)) {
    return [error('policy', place, message, `write the annotation ${policy} on the ConfigMap`)];
  }
  if (wantsOff(spelling, value)) return [error('policy', place, message, OFF)];
  if (spelling.prefix === 'bare' || what === 'data key' || isOn(spelling.name)) return [];
  return [warning('policy', place, message, 'remove it, or correct its name')];
}

/** A label without a prefix is anybody's, and `mode: production` is no wish of ours. */
function isMeant({ what, key, value }: Written): boolean {
  if (what !== 'label' || spelled(key)?.prefix !== 'bare') return true;
  return key.toLowerCase() === 'mode' && MODES.some((mode) => mode !== 'run' && mode === value);
}

/** Labels such as `openfero.io/enabled: "true"` are used by OPENFERO_LABEL_SELECTOR. */
function isOn(name: string): boolean {
  return wantsOff({ prefix: 'ours', name }, 'false');
}

/** A value of a policy, not a file. */
const LONGEST_VALUE = 100;

function isShort(value: unknown): boolean {
  return (
    typeof value !== 'string' || (value.length <= LONGEST_VALUE && !value.trim().includes('\n'))
  );
}

function written(what: string, texts: unknown, path: string): Written[] {
  if (!isObject(texts)) return [];
  return Object.entries(texts).map(([key, value]) => ({
    ...{ what, key, value },
    path: `${path}.${key}`,
  }));
}

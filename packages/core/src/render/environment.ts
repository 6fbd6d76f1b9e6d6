import type { Texts } from '../alert.ts';
import { formatInstant } from '../instant.ts';
import { isObject, type Json, type JsonObject } from '../kubernetes.ts';
import { invalid } from '../operarius/operarius.ts';
import type { Remediation } from '../redis/remediation.ts';
import {
  type Candidate,
  type Containers,
  fit,
  type Rank,
  shareOf,
  type Variable,
} from './budget.ts';
import { NAME_LIMIT, spellValue, variableNames } from './spelling.ts';

const LABEL = 'OPENFERO_';
const META = 'OPENFERO_META_';
const ANNOTATION = `${META}ANNOTATION_`;
const ALERT = `${META}ALERT`;
const TRUNCATED = `${META}TRUNCATED`;

export interface Environment {
  /** In the order of the alert's labels, then what is about the alert. */
  readonly variables: readonly Variable[];
  /** Names whose value was cut, and names that were left out. */
  readonly truncated: readonly string[];
}

/**
 * What the containers of a Job are told about their alert.
 *
 * `OPENFERO_<LABEL>` for each label; `OPENFERO_META_STATUS`, `_FINGERPRINT`, `_STARTS_AT`,
 * `_GENERATOR_URL`, `_EXTERNAL_URL`, `_GROUP_KEY` always, empty where the notification has none;
 * `_ANNOTATION_<NAME>` for each annotation; `_ALERT`, the alert as JSON; and only where something
 * was cut or left out `_TRUNCATED`, the names of it with spaces between. A label that lands on one
 * of these, there or not, gets `_2`: no label sets `_ANNOTATION_X`, whether there is an annotation x or not.
 *
 * Values over 32 KiB are cut; beyond {@link JOB_BUDGET} `_ALERT` is left out, then annotations,
 * then the largest labels. `_ALERT` is whole or not there: half a JSON is none.
 *
 * @param containers per container the names that it defines itself: there the caller leaves ours
 *   out, and here they cost nothing
 */
export function environment(
  remediation: Remediation,
  containers: readonly ReadonlySet<string>[],
): Environment {
  const adding = { count: containers.length, defining: countNames(containers) };
  const { alert } = remediation;
  const always = alwaysThere(remediation, adding);
  const annotations = candidatesOf(ANNOTATIONS, alert.annotations, alert.truncated?.annotations);
  const taken = [...always, ...annotations].map(({ name }) => name).concat(ALERT, TRUNCATED);
  const labels = candidatesOf(LABELS, alert.labels, alert.truncated?.labels, taken);
  const candidates = [...labels, ...always, ...annotations, alertOf(remediation)];
  return fit(candidates, adding, TRUNCATED);
}

/**
 * Gives every container and initContainer of a pod its environment, before the variables that it
 * defines itself, so that these can use `$(OPENFERO_ZONE)`.
 *
 * @param podSpec `spec.template.spec` of the Job, not changed
 * @returns a copy, and the names of the variables that were cut or left out
 * @throws {InvalidOperarius} where what should be a container or its env is none
 */
export function withEnvironment(
  podSpec: JsonObject,
  remediation: Remediation,
): { readonly podSpec: JsonObject; readonly truncated: readonly string[] } {
  const lists = LISTS.map((list) => ({ list, containers: containersAt(list, podSpec[list]) }));
  const names = lists.flatMap(({ containers }) => containers.map((one) => one.names));
  if (names.length > MOST_CONTAINERS) {
    const message = `spec.template.spec has ${names.length} containers`;
    throw invalid('manifest', '', message, `at most ${MOST_CONTAINERS}, each gets the alert`);
  }
  const { variables, truncated } = environment(remediation, names);
  const filled = lists
    .filter(({ containers }) => containers.length > 0)
    .map(({ list, containers }) => [list, containers.map((one) => filledWith(variables, one))]);
  return { podSpec: { ...podSpec, ...Object.fromEntries(filled) }, truncated };
}

/** With more of them the variables that are always there would have no room in the budget. */
const MOST_CONTAINERS = 100;

const LISTS = ['initContainers', 'containers'] as const;

interface Container {
  readonly fields: JsonObject;
  readonly env: readonly Json[];
  /** Of the variables that it defines itself. */
  readonly names: ReadonlySet<string>;
}

function containersAt(list: string, value: Json | undefined): readonly Container[] {
  const place = `spec.template.spec.${list}`;
  return arrayAt(place, value).map((fields, at) => {
    if (!isObject(fields)) throw invalid('manifest', '', `${place}[${at}] is not an object`);
    const env = arrayAt(`${place}[${at}].env`, fields['env']);
    return { fields, env, names: new Set(env.flatMap(nameOf)) };
  });
}

function arrayAt(place: string, value: Json | undefined): readonly Json[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw invalid('manifest', '', `${place} is not a list`);
}

function nameOf(variable: Json): readonly string[] {
  return isObject(variable) && typeof variable['name'] === 'string' ? [variable['name']] : [];
}

function filledWith(variables: readonly Variable[], { fields, env, names }: Container): JsonObject {
  const ours = variables.filter(({ name }) => !names.has(name));
  return { ...fields, env: [...ours, ...env] };
}

function countNames(containers: readonly ReadonlySet<string>[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of containers.flatMap((names) => [...names])) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function alwaysThere({ alert, group }: Remediation, containers: Containers): readonly Candidate[] {
  const values: Readonly<Record<string, string>> = {
    STATUS: alert.status,
    FINGERPRINT: alert.fingerprint,
    STARTS_AT: formatInstant(alert.startsAt),
    GENERATOR_URL: alert.generatorURL,
    EXTERNAL_URL: group.externalURL,
    GROUP_KEY: group.key,
  };
  return Object.entries(values).map(([key, value]) => {
    const name = `${META}${key}`;
    const { text, cut } = shareOf(name, containers, (limit) => spellValue(value, limit));
    return { name, value: text, rank: 'always', given: cut ? 'cut' : 'whole' };
  });
}

interface Kind {
  readonly rank: Rank;
  /** Of the variables' names. */
  readonly prefix: string;
  /** What only variables of another kind begin with. */
  readonly reserved?: string;
}

const ANNOTATIONS: Kind = { rank: 'annotation', prefix: ANNOTATION };
/** A label `meta_annotation_x` is no annotation, also where the alert has none of that name. */
const LABELS: Kind = { rank: 'label', prefix: LABEL, reserved: ANNOTATION };

/** @param truncated names that the receiver cut, or left out: the latter are only listed */
function candidatesOf(
  { rank, prefix, reserved }: Kind,
  texts: Texts,
  truncated: readonly string[] = [],
  taken: readonly string[] = [],
): readonly Candidate[] {
  // Never texts[key]: `__proto__` is a legal label.
  const entries = Object.entries(texts);
  const noted = new Set(truncated);
  const leftOut = truncated.filter((key) => !Object.hasOwn(texts, key));
  const keys = [...entries.map(([key]) => key), ...leftOut];
  const names = variableNames(prefix, keys, taken, reserved);
  const given = entries.map(([key, value], at): Candidate => {
    const { text, cut } = spellValue(value);
    const whole = !cut && prefix.length + key.length <= NAME_LIMIT && !noted.has(key);
    return { name: names[at] ?? '', value: text, rank, given: whole ? 'whole' : 'cut' };
  });
  const listed = names.slice(entries.length);
  return [...given, ...listed.map((name): Candidate => ({ name, value: '', rank, given: 'not' }))];
}

function alertOf({ alert }: Remediation): Candidate {
  const { status, labels, annotations, generatorURL, fingerprint } = alert;
  const startsAt = formatInstant(alert.startsAt);
  const endsAt = formatInstant(alert.endsAt);
  const json = { status, labels, annotations, startsAt, endsAt, generatorURL, fingerprint };
  const { text, cut } = spellValue(JSON.stringify(json));
  return {
    name: ALERT,
    value: text,
    rank: 'alert',
    given: cut || alert.truncated !== undefined ? 'not' : 'whole',
  };
}

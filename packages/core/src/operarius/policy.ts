import type { Texts } from '../alert.ts';
import { InvalidMatchers, type Matcher, parseMatchers } from '../matchers/matchers.ts';
import { MODES, type Mode } from '../mode.ts';
import { type InvalidOperarius, invalid } from './invalid-operarius.ts';
import { nearest } from './nearest.ts';
import {
  ANNOTATION_PREFIX,
  annotationPath,
  POLICY_ANNOTATIONS,
  spelled,
  wantsOff,
} from './policy-names.ts';
import {
  BOOLEAN,
  COUNT,
  DEDUPLICATION,
  type DedupBy,
  DURATION,
  DURATION_ABOVE_0,
  DURATION_OR_NEVER,
  DURATION_OR_OFF,
  DURATION_OR_REARM,
  MODE,
  REPEATS,
  type Repeats,
  ROW,
  RUNS,
  type Syntax,
  TARGET,
} from './policy-syntax.ts';

export { MODES, type Mode } from '../mode.ts';
export { POLICY_ANNOTATIONS } from './policy-names.ts';

/** How an operarius wants to be run: its annotations over the worker's settings. Durations in ms. */
export interface Policy {
  readonly dedupBy: DedupBy;
  readonly cooldown: number;
  readonly repeatAfter: number | 'never';
  readonly maxAge: number;
  /** Unfinished Jobs of this operarius at once; 0 is no limit. */
  readonly maxActive: number;
  /** Jobs of this operarius that are started in a time; the next one is held. */
  readonly maxRuns: Repeats | 'none';
  /** The labels, sorted, whose values say what a Job works on: one at a time. None: it does not matter. */
  readonly target: readonly string[];
  readonly mode: Mode;
  /** With mode approve: for how long a Job waits for a person. */
  readonly approvalTimeout: number;
  /** All must match. */
  readonly match: readonly Matcher[];
  /** A firing alert that has resolved in the meantime runs all the same. */
  readonly runIfResolved: boolean;
  /** An alert about a Job made here may run this. */
  readonly ownJobs: boolean;
  /** Of a resolved alert: it runs only where the firing one created a Job in the same occurrence. */
  readonly onlyAfterFiring: boolean;
  /** Jobs of one trouble; the next one is stopped. */
  readonly maxRepeats: Repeats | 'none';
  /** How long after the end of its Job a run is judged by its alert. */
  readonly effectWithin: number | 'off';
  /** So many bad runs in a row stop the operarius; 0 never does. */
  readonly stopAfter: number;
  /** For how long, or until a person re-arms it. */
  readonly stopFor: number | 'rearm';
}

/** What counts where neither an annotation nor a setting says otherwise. */
export const DEFAULT_POLICY: Policy = {
  dedupBy: 'alert',
  cooldown: 10 * 60_000,
  repeatAfter: 'never',
  maxAge: 15 * 60_000,
  maxActive: 10,
  maxRuns: 'none',
  target: [],
  mode: 'run',
  approvalTimeout: 3_600_000,
  match: [],
  runIfResolved: false,
  ownJobs: false,
  onlyAfterFiring: false,
  maxRepeats: { count: 5, within: 24 * 3_600_000 },
  effectWithin: 15 * 60_000,
  stopAfter: 5,
  stopFor: 3_600_000,
};

/** The strictest of several modes; `run` of none. */
export function strictest(...modes: readonly Mode[]): Mode {
  return MODES[Math.max(0, ...modes.map((mode) => MODES.indexOf(mode)))] ?? 'off';
}

/**
 * The policy of an operarius: its annotations over the settings. Of modes the strictest wins, and all
 * matchers must match. With `dedup-by` group or operarius there is no repeating, so the settings' own
 * `repeat-after` becomes never.
 *
 * @param where names the ConfigMap in messages: `ConfigMap jobs/openfero-disk-firing`
 * @throws {InvalidOperarius} naming the annotation, its value and what is allowed
 */
export function readPolicy(
  annotations: Texts | undefined,
  defaults: Policy,
  where: string,
): Policy {
  const own = ownAnnotations(annotations ?? {}, where);
  const read = <T>(name: string, syntax: Syntax<T>, fallback: T): T => {
    const text = own.get(name);
    if (text === undefined) return fallback;
    const value = syntax.parse(text);
    if (value === undefined) throw wrongValue(where, name, text, `expected ${syntax.allowed}`);
    return value;
  };
  const policy: Policy = {
    dedupBy: read(POLICY_ANNOTATIONS.dedupBy, DEDUPLICATION, defaults.dedupBy),
    cooldown: read(POLICY_ANNOTATIONS.cooldown, DURATION, defaults.cooldown),
    repeatAfter: read(POLICY_ANNOTATIONS.repeatAfter, DURATION_OR_NEVER, defaults.repeatAfter),
    maxAge: read(POLICY_ANNOTATIONS.maxAge, DURATION, defaults.maxAge),
    maxActive: read(POLICY_ANNOTATIONS.maxActive, COUNT, defaults.maxActive),
    maxRuns: read(POLICY_ANNOTATIONS.maxRuns, RUNS, defaults.maxRuns),
    target: read(POLICY_ANNOTATIONS.target, TARGET, defaults.target),
    mode: strictest(defaults.mode, read(POLICY_ANNOTATIONS.mode, MODE, 'run')),
    approvalTimeout: read(
      POLICY_ANNOTATIONS.approvalTimeout,
      DURATION_ABOVE_0,
      defaults.approvalTimeout,
    ),
    match: [...defaults.match, ...readMatch(own.get(POLICY_ANNOTATIONS.match) ?? '', where)],
    runIfResolved: read(POLICY_ANNOTATIONS.runIfResolved, BOOLEAN, defaults.runIfResolved),
    ownJobs: read(POLICY_ANNOTATIONS.ownJobs, BOOLEAN, defaults.ownJobs),
    onlyAfterFiring: read(POLICY_ANNOTATIONS.onlyAfterFiring, BOOLEAN, defaults.onlyAfterFiring),
    maxRepeats: read(POLICY_ANNOTATIONS.maxRepeats, REPEATS, defaults.maxRepeats),
    effectWithin: read(POLICY_ANNOTATIONS.effectWithin, DURATION_OR_OFF, defaults.effectWithin),
    stopAfter: read(POLICY_ANNOTATIONS.stopAfter, ROW, defaults.stopAfter),
    stopFor: read(POLICY_ANNOTATIONS.stopFor, DURATION_OR_REARM, defaults.stopFor),
  };
  return policy.dedupBy === 'alert' ? policy : withoutRepeating(policy, own, where);
}

/** One Job for many alerts hangs on the window of `cooldown`: it needs one, and knows no other pace. */
function withoutRepeating(policy: Policy, own: ReadonlyMap<string, string>, where: string): Policy {
  const repeat = own.get(POLICY_ANNOTATIONS.repeatAfter) ?? 'never';
  const because = `with ${POLICY_ANNOTATIONS.dedupBy} ${policy.dedupBy}`;
  if (repeat !== 'never') {
    const why = `${because} only never is allowed: ${POLICY_ANNOTATIONS.cooldown} sets the pace`;
    throw wrongValue(where, POLICY_ANNOTATIONS.repeatAfter, repeat, why);
  }
  if (policy.cooldown === 0) {
    const text = own.get(POLICY_ANNOTATIONS.cooldown);
    const why = `${because} it must be longer than 0`;
    if (text !== undefined) throw wrongValue(where, POLICY_ANNOTATIONS.cooldown, text, why);
    const missing = `annotation ${POLICY_ANNOTATIONS.cooldown} is missing and OPENFERO_COOLDOWN is 0`;
    throw invalid('policy', where, missing, why).at('metadata.annotations');
  }
  return { ...policy, repeatAfter: 'never' };
}

function readMatch(text: string, where: string): Matcher[] {
  try {
    return parseMatchers(text);
  } catch (error) {
    if (!(error instanceof InvalidMatchers)) throw error;
    const why = `${error.message}; expected matchers such as {zone="dmz",namespace!~"kube-.*"}`;
    const message = `annotation ${POLICY_ANNOTATIONS.match} is ${quoted(text)}`;
    const path = annotationPath(POLICY_ANNOTATIONS.match);
    throw invalid('matcher', where, message, why).at(path);
  }
}

/** Those under our prefix, all known and all strings. */
function ownAnnotations(annotations: Texts, where: string): Map<string, string> {
  const own = new Map<string, string>();
  const known: readonly string[] = Object.values(POLICY_ANNOTATIONS);
  const entries: [string, unknown][] = Object.entries(annotations);
  for (const [name, value] of entries) {
    if (!name.startsWith(ANNOTATION_PREFIX)) continue;
    if (!known.includes(name)) throw unknownAnnotation(where, name, value);
    // A file can hold what an API server would not: a bare `off` is a boolean.
    if (typeof value !== 'string') {
      throw wrongValue(where, name, value, 'it is not a string: put it in quotes');
    }
    own.set(name, value);
  }
  return own;
}

function unknownAnnotation(where: string, name: string, value: unknown): InvalidOperarius {
  const message = `annotation ${name} is unknown`;
  return invalid('policy', where, message, meantBy(name, value)).at(annotationPath(name));
}

/** What to write in place of an unknown annotation. */
export function meantBy(name: string, value: unknown): string {
  const known: readonly string[] = Object.values(POLICY_ANNOTATIONS);
  const spelling = spelled(name);
  if (spelling !== undefined && wantsOff(spelling, value)) {
    return `did you mean ${POLICY_ANNOTATIONS.mode}: "off"?`;
  }
  const meant = nearest(name, known);
  return meant ? `did you mean ${meant}?` : `supported are ${known.join(', ')}`;
}

function wrongValue(where: string, name: string, value: unknown, why: string): InvalidOperarius {
  const message = `annotation ${name} is ${quoted(value)}`;
  return invalid('policy', where, message, why).at(annotationPath(name));
}

/** Longer values say no more, and a line of log has an end. */
const MAX_QUOTED = 200;

export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}...` : text;
}

import { isNear, nearest } from './nearest.ts';

export const ANNOTATION_PREFIX = 'openfero.io/';

/** What an operarius may say of itself, and the global switch. */
export const POLICY_ANNOTATIONS = {
  dedupBy: 'openfero.io/dedup-by',
  cooldown: 'openfero.io/cooldown',
  repeatAfter: 'openfero.io/repeat-after',
  maxAge: 'openfero.io/max-age',
  maxActive: 'openfero.io/max-active',
  maxRuns: 'openfero.io/max-runs',
  target: 'openfero.io/target',
  mode: 'openfero.io/mode',
  approvalTimeout: 'openfero.io/approval-timeout',
  match: 'openfero.io/match',
  runIfResolved: 'openfero.io/run-if-resolved',
  ownJobs: 'openfero.io/own-jobs',
  onlyAfterFiring: 'openfero.io/only-after-firing',
  maxRepeats: 'openfero.io/max-repeats',
  effectWithin: 'openfero.io/effect-within',
  stopAfter: 'openfero.io/stop-after',
  stopFor: 'openfero.io/stop-for',
  rearm: 'openfero.io/rearm',
  alertname: 'openfero.io/alertname',
} as const;

/** Of a finding about an annotation of the ConfigMap. */
export function annotationPath(name: string): string {
  return `metadata.annotations.${name}`;
}

/** With which key somebody wrote something that OpenFero may be meant by. */
interface Spelled {
  /** `ours` is openfero.io/; `near` another way to write it; `bare` has no prefix at all. */
  readonly prefix: 'ours' | 'near' | 'bare';
  /** What follows the prefix. */
  readonly name: string;
}

/** Reads the key of an annotation, of a label or of data; undefined where it is another software's. */
export function spelled(key: string): Spelled | undefined {
  if (key.startsWith(ANNOTATION_PREFIX)) {
    return { prefix: 'ours', name: key.slice(ANNOTATION_PREFIX.length) };
  }
  const slash = key.indexOf('/');
  if (slash >= 0) {
    const prefix = key.slice(0, slash).toLowerCase();
    return resemblesOurs(prefix) ? { prefix: 'near', name: key.slice(slash + 1) } : undefined;
  }
  const name = /^openfero(?:[._-]io)?[._-](.+)$/i.exec(key)?.[1];
  return name === undefined ? { prefix: 'bare', name: key } : { prefix: 'near', name };
}

function resemblesOurs(prefix: string): boolean {
  return (
    prefix.includes('openfero') || isNear(prefix, 'openfero.io', 2) || isNear(prefix, 'openfero', 1)
  );
}

/** How a name is compared: case and separators aside. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

const SHORT_NAMES: ReadonlyMap<string, string> = new Map(
  Object.values(POLICY_ANNOTATIONS).map((annotation) => [
    plain(annotation.slice(ANNOTATION_PREFIX.length)),
    annotation,
  ]),
);

/** The policy annotation that a name spells, typing errors aside, or undefined. */
export function meantPolicy({ prefix, name }: Spelled): string | undefined {
  const word = plain(name);
  const exact = SHORT_NAMES.get(word);
  // A name without a prefix is anybody's: only the very word counts.
  if (exact !== undefined || prefix === 'bare') return exact;
  const words = [...SHORT_NAMES.keys()];
  const near =
    nearest(word, words, word.length > 5 ? 2 : 1) ??
    words.find((each) => lettersOf(each) === lettersOf(word));
  return near === undefined ? undefined : SHORT_NAMES.get(near);
}

/** Letters in the wrong order are the commonest typing error. */
function lettersOf(word: string): string {
  return [...word].sort().join('');
}

const OFF_WORDS: readonly string[] = [
  ...['disable', 'disabled', 'jobdisabled', 'off', 'inactive', 'skip', 'skipped'],
  ...['pause', 'paused', 'stop', 'stopped', 'suspend', 'suspended'],
];
const ON_WORDS: readonly string[] = ['enable', 'enabled', 'jobenabled', 'active', 'on', 'run'];
const NEGATIVE: readonly string[] = ['false', 'no', 'off', '0', 'never', 'disabled'];

/** The Go release of OpenFero looks whether the label is there, not at its value. */
const WHATEVER_VALUE = 'jobdisabled';

/** Whether somebody wrote that nothing should run, in words that are none of a policy. */
export function wantsOff({ name }: Spelled, value: unknown): boolean {
  const word = plain(name);
  const negative = NEGATIVE.includes(String(value).trim().toLowerCase());
  if (word === WHATEVER_VALUE) return true;
  return negative ? ON_WORDS.includes(word) : OFF_WORDS.includes(word);
}

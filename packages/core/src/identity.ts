import { type Instant, instantOf } from './instant.ts';
import { isObject, type Json } from './kubernetes.ts';
import type { Operarius } from './operarius.ts';
import { digest } from './redis/keys.ts';
import type { Remediation } from './redis/remediation.ts';

/** Which trouble a remediation is about, and which Job stands for it. */
export interface Identity extends Trouble {
  /** Counts on where another Job has the name already. */
  readonly n: number;
}

export interface Trouble {
  /** What counts as the same trouble over time: 64 hex digits. */
  readonly k: string;
  readonly episode: Episode;
}

/** One occurrence of a trouble: it gets one Job. */
export interface Episode {
  readonly instant: Instant;
  /** With `repeat-after`: which repetition; else 0. */
  readonly count: number;
}

/**
 * Part of every K. To be raised when K is made in another way: names and memories of before then
 * mean nothing any more, and everything that still fires may get one more Job.
 */
const KEY_VERSION = 'k/1';

/**
 * Tells which trouble a remediation is about, as `dedup-by` of the operarius wants it: computed
 * alike by every worker and every retry, from the payload alone.
 */
export function troubleOf(remediation: Remediation, operarius: Operarius): Trouble {
  const { status, adds, episode } = scopeOf(remediation, operarius);
  return {
    k: digest(KEY_VERSION, operarius.namespace, operarius.name, status, ...adds),
    episode,
  };
}

interface Scope {
  readonly status: string;
  /** What `dedup-by` adds to K, named, so that no fingerprint is taken for a group's key. */
  readonly adds: readonly string[];
  readonly episode: Episode;
}

function scopeOf(remediation: Remediation, { policy }: Operarius): Scope {
  const { alert, group } = remediation;
  switch (policy.dedupBy) {
    case 'alert':
      return {
        status: alert.status,
        adds: ['fingerprint', alert.fingerprint],
        episode: episodeOf(remediation),
      };
    case 'group':
      return {
        status: group.status,
        adds: ['group', group.key],
        episode: windowOf(remediation, policy.cooldown),
      };
    case 'operarius':
      return { status: alert.status, adds: [], episode: windowOf(remediation, policy.cooldown) };
  }
}

function episodeOf({ alert, repeat }: Remediation): Episode {
  return repeat === undefined
    ? { instant: alert.startsAt, count: 0 }
    : { instant: repeat.episode, count: repeat.count };
}

/** @param cooldown milliseconds; below 1 each receipt is a window of its own */
function windowOf({ receivedAt }: Remediation, cooldown: number): Episode {
  const length = Math.max(1, cooldown);
  return { instant: instantOf(Math.floor(receivedAt / length) * length), count: 0 };
}

/** Below 0 where `a` is the earlier one, 0 where they are the same. */
export function compareEpisodes(a: Episode, b: Episode): number {
  if (a.instant !== b.instant) return a.instant < b.instant ? -1 : 1;
  return a.count - b.count;
}

/**
 * All of K and episode in one text, the annotation `openfero.io/dedup-key`: a Job that has our name
 * but not this text is another's.
 */
export function dedupKeyText({ k, episode }: Trouble): string {
  return `${k}/${episode.instant}/${episode.count}`;
}

/** A Job's name has 63 characters at most: 52, a `-`, and 10 hex digits. */
const PREFIX_LIMIT = 52;
const HASH_LENGTH = 10;

/**
 * The name of the Job that stands for an episode, the same for every worker: two of them cannot
 * create it twice.
 *
 * @param prefix from {@link jobPrefix}
 */
export function jobName(prefix: string, { k, episode, n }: Identity): string {
  return `${prefix}-${digest('job/1', dedupKeyText({ k, episode }), String(n)).slice(0, HASH_LENGTH)}`;
}

/**
 * What the names of an operarius' Jobs start with: its template's name, else generateName, else the
 * ConfigMap's name; lower-cased, everything outside a-z 0-9 as `-`, cut to 52, no `-` at its ends.
 * A text of which nothing is left counts as missing.
 */
export function jobPrefix({ template, name }: Operarius): string {
  const metadata = isObject(template['metadata']) ? template['metadata'] : {};
  const texts = [metadata['name'], metadata['generateName'], name];
  return texts.map(prefixOf).find((prefix) => prefix !== '') ?? 'openfero';
}

function prefixOf(text: Json | undefined): string {
  if (typeof text !== 'string') return '';
  // Lower-cased last: the Kelvin sign is no `k`.
  const spelt = text.replace(/[^A-Za-z0-9]/gu, '-').toLowerCase();
  return spelt.replace(/^-+/, '').slice(0, PREFIX_LIMIT).replace(/-+$/, '');
}

const POD_NAME_LIMIT = 63;

/** A Job, its pod, its pod with an index (completionMode Indexed). */
const JOB_OR_POD = /^(.+)-[0-9a-f]{10}(?:(?:-\d+)?-[a-z0-9]{5})?$/;

/** Kubernetes cuts a Job's name inside its hash where the pod's would pass 63 characters. */
const POD_OF_LONG_NAME = /^(.+?)-[0-9a-f]{0,10}(?:-\d+-)?[a-z0-9]{5}$/;

/**
 * True where a Job or pod name looks like one made here: `<prefix>-<10 hex>`, and for its pods
 * `<prefix>-<10 hex>-xxxxx`.
 *
 * Source of the pods' names: kubernetes, pkg/controller/job (podGenerateNameWithIndex) and
 * apiserver/pkg/storage/names (a generateName is cut to 58).
 *
 * @param prefixes those of all known operarii, from {@link jobPrefix}
 */
export function looksLikeOwnJob(name: string, prefixes: ReadonlySet<string>): boolean {
  if (name.length > POD_NAME_LIMIT) return false;
  const match = JOB_OR_POD.exec(name);
  if (match !== null) return prefixes.has(match[1] ?? '');
  if (name.length < POD_NAME_LIMIT) return false;
  return prefixes.has(POD_OF_LONG_NAME.exec(name)?.[1] ?? '');
}

const LABEL_VALUE_LIMIT = 63;

/**
 * Makes any text a legal label value: illegal characters as `_`, those at its ends left out (a value
 * begins and ends with a letter or digit, or is empty), over 63 cut and hashed.
 */
export function labelValue(text: string): string {
  const spelt = text.replace(/[^A-Za-z0-9._-]/gu, '_').replace(/^[^A-Za-z0-9]+/, '');
  // Only a short text: on megabytes of `_` the expression for the end would take for ever.
  if (spelt.length <= LABEL_VALUE_LIMIT) return spelt.replace(/[^A-Za-z0-9]+$/, '');
  const start = spelt.slice(0, LABEL_VALUE_LIMIT - 1 - HASH_LENGTH);
  return `${start}-${digest(text).slice(0, HASH_LENGTH)}`;
}

/**
 * Labels of every Job and pod made here. Contract: users select by them, and the worker finds its
 * own Jobs again by them, those of an older release included.
 */
export const LABELS = {
  managedBy: 'app.kubernetes.io/managed-by',
  operarius: 'openfero.io/operarius',
  status: 'openfero.io/status',
  fingerprint: 'openfero.io/fingerprint',
  groupKey: 'openfero.io/group-key',
} as const;

/** The value of {@link LABELS}.managedBy. */
export const MANAGED_BY = 'openfero';

/** Annotations of every Job made here. Contract as above: the worker reads the first two back. */
export const ANNOTATIONS = {
  /** The UUID of the remediation that the Job was created for. */
  remediation: 'openfero.io/remediation',
  /** {@link dedupKeyText}: all of K and episode. */
  dedupKey: 'openfero.io/dedup-key',
  alertname: 'openfero.io/alertname',
  startsAt: 'openfero.io/starts-at',
} as const;

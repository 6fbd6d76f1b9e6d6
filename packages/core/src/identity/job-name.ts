import { digest } from '../digest.ts';
import { isObject, type Json } from '../kubernetes.ts';
import type { Operarius } from '../operarius/operarius.ts';
import { dedupKeyText, type Trouble } from './trouble.ts';

/** Which trouble a remediation is about, and which Job stands for it. */
export interface Identity extends Trouble {
  /** Counts on where another Job has the name already. */
  readonly n: number;
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
export function jobName(prefix: string, { troubleKey, episode, n }: Identity): string {
  return `${prefix}-${digest('job/1', dedupKeyText({ troubleKey, episode }), String(n)).slice(0, HASH_LENGTH)}`;
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

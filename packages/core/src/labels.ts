import { digest } from './digest.ts';

const LABEL_VALUE_LIMIT = 63;
const HASH_LENGTH = 10;

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
  /** With {@link ASKED}: it was created suspended, for a person to release. It stays after that. */
  approval: 'openfero.io/approval',
  /** With `target`: what the Job works on, see targetOf. */
  target: 'openfero.io/target',
} as const;

/** The value of {@link LABELS}.managedBy. */
export const MANAGED_BY = 'openfero';

/** The value of {@link LABELS}.approval. */
export const ASKED = 'asked';

/** Annotations of every Job made here. Contract as above: the worker reads the first two back. */
export const ANNOTATIONS = {
  /** The UUID of the remediation that the Job was created for. */
  remediation: 'openfero.io/remediation',
  /** {@link dedupKeyText}: all of K and episode. */
  dedupKey: 'openfero.io/dedup-key',
  alertname: 'openfero.io/alertname',
  startsAt: 'openfero.io/starts-at',
  /** With tracing: what the end of the Job belongs to. */
  traceparent: 'openfero.io/traceparent',
  /** Of the operarius as it was: see definitionDigest. */
  definition: 'openfero.io/definition',
  /** With mode approve: until when a person may release it. */
  approvalUntil: 'openfero.io/approval-until',
  /** Who released it, where that is known. */
  approvedBy: 'openfero.io/approved-by',
} as const;

import { hash } from 'node:crypto';

/**
 * The default of OPENFERO_QUEUE_PREFIX. The braces make it a hash tag: every key of one OpenFero
 * lies in one slot, as BullMQ's scripts and ours need.
 */
export const DEFAULT_PREFIX = '{openfero}';

/** Joins the parts of a key of ours below the prefix. BullMQ's own keys start with the queue's name. */
export function key(prefix: string, ...parts: readonly string[]): string {
  return [prefix, ...parts].join(':');
}

/**
 * A digest over several texts that no choice of texts can make ambiguous: each is preceded by its
 * length.
 *
 * @returns 64 hex digits
 */
export function digest(...parts: readonly string[]): string {
  return hash('sha256', parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join(''));
}

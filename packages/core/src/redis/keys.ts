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
 * The part of a key between the first `{` and the first `}` behind it, which alone decides the slot of a
 * Redis Cluster. Undefined if there is none or if it is empty: then all of the key does.
 */
export function hashTagOf(prefix: string): string | undefined {
  return /^[^{]*\{([^}]+)\}/.exec(prefix)?.[1];
}

import { key } from './keys.ts';

/**
 * What checking the operarii found, once over all workers. A hash, one field per ConfigMap, JSON:
 * {@link Check}. A field lives as long as its ConfigMap; the hash itself does not expire.
 */
export interface Check {
  /** Which version of the ConfigMap was checked: its uid and resourceVersion. */
  readonly version: string;
  /** Why it cannot run, or undefined. */
  readonly problem?: string;
}

export const checksKey = (prefix: string): string => key(prefix, 'checks');

/** Who checks a version now; gone after {@link CLAIM_TTL}, should that worker be gone too. */
export const checkClaimKey = (prefix: string, version: string): string =>
  key(prefix, 'check', version);

/** Milliseconds: a dry run takes 20 of them. */
export const CLAIM_TTL = 60_000;

/**
 * Claims the check of one version.
 *
 * KEYS[1] the hash, KEYS[2] the claim; ARGV the ConfigMap's name, the version, the claim's life.
 * Returns 1 where it is the caller's to do; 0 where it was done, or is another worker's.
 */
export const CLAIM_CHECK = `
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known and cjson.decode(known).version == ARGV[2] then return 0 end
if redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[3]) then return 1 end
return 0
`;

/** Reads a field of the hash as hostile input. */
export function readCheck(text: string | undefined): Check | undefined {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    if (typeof value !== 'object' || value === null) return undefined;
    if (!('version' in value) || typeof value.version !== 'string') return undefined;
    const problem = 'problem' in value ? value.problem : undefined;
    return { version: value.version, ...(typeof problem === 'string' && { problem }) };
  } catch {
    return undefined;
  }
}

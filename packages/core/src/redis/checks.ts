import { isObject, type JsonObject } from '../kubernetes.ts';
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
  /** What its author should know all the same. */
  readonly warnings?: readonly string[];
  /** An API server takes its Jobs, and nothing would start them: that may change without the definition. */
  readonly neverStarts?: boolean;
  /** It is no operarius, for want of the label: no watch shows when it is gone. */
  readonly unlabelled?: boolean;
}

export const checksKey = (prefix: string): string => key(prefix, 'checks');

/** Who checks a version now; gone after {@link CLAIM_TTL}, should that worker be gone too. */
export const checkClaimKey = (prefix: string, version: string): string =>
  key(prefix, 'check', version);

/** Who looks again whether its Jobs still never start. */
export const recheckClaimKey = (prefix: string, version: string): string =>
  key(prefix, 'recheck', version);

/** Milliseconds between two such looks, over all workers. */
export const RECHECK_INTERVAL = 10_000;

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
  const value = parse(text);
  const version = value['version'];
  if (typeof version !== 'string') return undefined;
  const { problem, warnings } = value;
  return {
    version,
    ...(typeof problem === 'string' && { problem }),
    ...(isTexts(warnings) && { warnings }),
    ...(value['neverStarts'] === true && { neverStarts: true }),
    ...(value['unlabelled'] === true && { unlabelled: true }),
  };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function parse(text = 'null'): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

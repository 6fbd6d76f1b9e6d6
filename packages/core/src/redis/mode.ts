import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { MODES } from '../mode.ts';
import { APPEND_FUNCTION, appendKeys } from './history.ts';
import { key } from './keys.ts';

/**
 * Which mode holds for all operarii, and since when: a string, JSON. Workers come and go, and the history
 * forgets, so this says it for both. It does not expire.
 */
const ModeSchema = Type.Object({
  mode: Type.Enum([...MODES]),
  /** Milliseconds since 1970, by Redis' clock, at which the first worker obeyed it. */
  since: Type.Number({ minimum: 0, maximum: 253_402_300_799_999 }),
});

export type KnownMode = Readonly<Static<typeof ModeSchema>>;

const schema = Compile(ModeSchema);

export const modeKey = (prefix: string): string => key(prefix, 'mode');

/** Reads the key as hostile input. */
export function readKnownMode(text: string | null): KnownMode | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return schema.Check(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Records that the mode has changed, once over all workers: the first one writes it, and appends its entry
 * to the history.
 *
 * KEYS the mode, those of `append`. ARGV what the key held (or ''), what it holds now, how many entries the
 * history may have, the entry (or '' where nobody knows what was before).
 * Returns 1, or 0 where another worker was first.
 */
export const RECORD_MODE = `${APPEND_FUNCTION}
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
if ARGV[4] ~= '' then append(KEYS[2], KEYS[3], KEYS[4], ARGV[3], ARGV[4]) end
return 1
`;

export interface ModeChange {
  /** As the key holds it; null where there is none. */
  readonly before: string | null;
  readonly now: KnownMode;
  /** As encodeEntry writes it; undefined where nobody knows what was before. */
  readonly entry: string | undefined;
}

/** KEYS and ARGV of {@link RECORD_MODE}. @param count OPENFERO_HISTORY_COUNT */
export function recordModeArguments(
  prefix: string,
  { before, now, entry }: ModeChange,
  count: number,
): { keys: string[]; args: (string | number)[] } {
  return {
    keys: [modeKey(prefix), ...appendKeys(prefix)],
    args: [before ?? '', JSON.stringify(now), count, entry ?? ''],
  };
}

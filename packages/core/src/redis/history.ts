import { key } from './keys.ts';
import { RAISE_FUNCTION, raiseArguments, raisedKey, type ToRaise } from './raised.ts';

/**
 * The history: one stream, to which every worker appends what became of each remediation and each Job
 * (history/entry.ts). Each entry has two fields:
 *
 * | field | holds |
 * |---|---|
 * | v | {@link HISTORY_VERSION} |
 * | e | the entry, JSON |
 *
 * It must never be what fills Redis: the number of entries is bounded at every append, their age by any
 * worker once a minute, and nothing is appended while the flag `history:full` stands.
 */
export const historyKey = (prefix: string): string => key(prefix, 'history');

/** The version of the entries that this code writes and reads. */
export const HISTORY_VERSION = 1;

/** Default of OPENFERO_HISTORY_COUNT. An entry takes 640 bytes of Redis (measured): 129 MB. */
export const DEFAULT_HISTORY_COUNT = 200_000;

/** The least OPENFERO_HISTORY_COUNT: a node of the stream. A shorter history was never trimmed to a number. */
export const LEAST_HISTORY_COUNT = 100;

/** Default of OPENFERO_HISTORY_AGE, in milliseconds: 30 days. */
export const DEFAULT_HISTORY_AGE = 30 * 24 * 3600 * 1000;

/** Stands while Redis is fuller than {@link HISTORY_FULL_RATIO}. */
export const historyFullKey = (prefix: string): string => key(prefix, 'history', 'full');

/** Of maxmemory: below 0.75, from which on the receiver refuses. History goes first, then alerts. */
const HISTORY_FULL_RATIO = 0.7;

/** Milliseconds between two looks of a worker at the memory of Redis. */
export const HISTORY_FULL_INTERVAL = 5_000;

/** Milliseconds that the flag lives without being set again: it must not outlive the workers. */
const HISTORY_FULL_TTL = 3 * HISTORY_FULL_INTERVAL;

/**
 * The command with which a worker says whether Redis is full, each {@link HISTORY_FULL_INTERVAL}.
 *
 * @param used bytes
 * @param max bytes, 0 for no limit
 */
export function historyFullCommand(
  prefix: string,
  used: number,
  max: number,
): readonly [name: 'SET' | 'DEL', ...args: (string | number)[]] {
  const flag = historyFullKey(prefix);
  const isFull = max > 0 && used > max * HISTORY_FULL_RATIO;
  return isFull ? ['SET', flag, '1', 'PX', HISTORY_FULL_TTL] : ['DEL', flag];
}

/**
 * Numbers that no restart of a worker sets back. A hash: {@link fateField} counts the Jobs that ended,
 * {@link SKIPPED_FIELD} the entries that were not appended.
 */
export const totalsKey = (prefix: string): string => key(prefix, 'totals');

/** No operarius is named so: a field of fates has a slash. */
export const SKIPPED_FIELD = 'history-skipped';

/**
 * Lua: appends an entry to the history, and trims it to about `count` entries (a node of the stream more
 * at most). Never fails: an entry that Redis does not take is counted as skipped.
 *
 * The three keys are the stream, the flag and the totals.
 */
export const APPEND_FUNCTION = `
local function append(history, full, totals, count, entry)
  if redis.call('EXISTS', full) == 0 then
    local answer = redis.pcall('XADD', history, 'MAXLEN', '~', count, '*', 'v', '${HISTORY_VERSION}', 'e', entry)
    if type(answer) ~= 'table' or not answer.err then return 1 end
  end
  redis.pcall('HINCRBY', totals, '${SKIPPED_FIELD}', 1)
  return 0
end
`;

/** KEYS of every script that appends, behind its own. */
export const appendKeys = (prefix: string): string[] => [
  historyKey(prefix),
  historyFullKey(prefix),
  totalsKey(prefix),
];

/**
 * Appends entries, and raises what they tell people, in one step: what is in the history has been raised.
 *
 * KEYS see {@link appendKeys}, and what is raised. ARGV how many entries the stream may have, how many there
 * are here, then one entry each, then {@link raiseArguments} of what is raised. Returns how many it appended.
 */
export const APPEND = `${APPEND_FUNCTION}${RAISE_FUNCTION}
local appended, last = 0, 2 + ARGV[2]
for i = 3, last do
  appended = appended + append(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[i])
end
for i = last + 1, #ARGV, 3 do raise(KEYS[4], KEYS[3], i) end
return appended
`;

/** KEYS and ARGV of {@link APPEND}. @param entries as encodeEntry writes them */
export function appendArguments(
  prefix: string,
  count: number,
  entries: readonly string[],
  raised: readonly ToRaise[] = [],
): { keys: string[]; args: (string | number)[] } {
  return {
    keys: [...appendKeys(prefix), raisedKey(prefix)],
    args: [count, entries.length, ...entries, ...raised.flatMap(raiseArguments)],
  };
}

/**
 * Appends an entry about a remediation that a worker has in hand: behind all that was said of it before, and
 * before all that another worker can say.
 *
 * KEYS BullMQ's lock of the remediation, those of {@link appendKeys}. ARGV the token of the lock, how many
 * entries the stream may have, the entry. Returns 1, or 0 where it was not appended.
 */
export const APPEND_OWN = `${APPEND_FUNCTION}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return append(KEYS[2], KEYS[3], KEYS[4], ARGV[2], ARGV[3])
`;

/**
 * The arguments of XTRIM for what is older than `age`. It removes whole nodes, 10,000 entries at most, and
 * answers how many: repeat it until it answers 0. Without a limit one call could block Redis for long.
 *
 * @param now milliseconds, Redis' clock: the ids of the entries are of it
 */
export function trimArguments(
  prefix: string,
  now: number,
  age: number,
): [key: string, strategy: 'MINID', approximate: '~', oldest: number] {
  return [historyKey(prefix), 'MINID', '~', Math.max(0, now - age)];
}

import { labelValue } from '../labels.ts';
import { key } from './keys.ts';
import { HOLDER } from './targets.ts';

/**
 * The places of unfinished Jobs, so that the limits hold over all workers. Sorted sets:
 *
 * | key | member | score |
 * |---|---|---|
 * | places | Job that is unfinished or about to be created, see {@link placeOf} | when its place was taken; negative where it waits for a person: it does not count over all |
 * | places:<operarius> | the same, of one operarius | the same |
 * | waiting | remediation held by the limit over all | when it was received |
 * | waiting:<operarius> | remediation held by the limit of its operarius | the same |
 *
 * Those held for another reason are in no waiting set, but by their target: time alone sets them free.
 * All times in milliseconds by Redis' clock. A place belongs to a Job's name, not to a worker: it
 * does not matter who takes it, or how often. No key expires: what a crash leaves behind is put
 * right from the watch of the Jobs. The watch knows an operarius by the Job's label, which is cut and
 * hashed where the name is long: so are the keys.
 */
export const placesKey = (prefix: string): string => key(prefix, 'places');
export const placesOfKey = (prefix: string, operarius: string): string =>
  key(prefix, 'places', labelValue(operarius));
export const waitingKey = (prefix: string): string => key(prefix, 'waiting');
export const waitingOfKey = (prefix: string, operarius: string): string =>
  key(prefix, 'waiting', labelValue(operarius));

/** A Job's member in the sets: neither name can hold a slash. */
export const placeOf = (operarius: string, job: string): string =>
  `${labelValue(operarius)}/${job}`;

/** The operarius of a member, as its Job's label spells it. */
export const operariusOf = (place: string): string => place.slice(0, place.indexOf('/'));

/** The Job of a member. */
export const jobOf = (place: string): string => place.slice(place.indexOf('/') + 1);

/**
 * The field of BullMQ's hash of a remediation that has the name of the Job that it was about to create. It
 * is kept before the create, so that no later change of a definition hides that Job. BullMQ knows nothing
 * of it, and removes it with the hash.
 */
export const JOB_FIELD = 'openfero-job';

const JOB_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Reads {@link JOB_FIELD} as hostile input. */
export const readKeptJob = (text: string | null): string | undefined =>
  text !== null && JOB_NAME.test(text) ? text : undefined;

/** The places and who waits for them: the first KEYS of every script about places. */
export const placeKeys = (prefix: string, operarius: string): string[] => [
  placesKey(prefix),
  placesOfKey(prefix, operarius),
  waitingKey(prefix),
  waitingOfKey(prefix, operarius),
];

/** Lua: pops the remediation that waits longest in a set; nil where none does. */
export const NEXT = `
local function nextOf(key) return redis.call('ZPOPMIN', key)[1] end
`;

/**
 * Lua: gives the place of a Job back, and what it works on, if that is known (else its digest is '').
 * KEYS as of TAKE_PLACE. Returns the remediations that should be looked at now: who waits longest for what
 * became free.
 */
export const RELEASE_FUNCTION = `${NEXT}${HOLDER}
local function release(place, target, targets, waiting)
  local called = {}
  if target ~= '' and holderOf(redis.call('HGET', targets, target)) == place then
    redis.call('HDEL', targets, target)
    called[1] = nextOf(waiting)
  end
  redis.call('ZREM', KEYS[2], place)
  if redis.call('ZREM', KEYS[1], place) == 1 then
    called[#called + 1] = nextOf(KEYS[4]) or nextOf(KEYS[3])
  end
  return called
end
`;

/**
 * Gives a Job's place back.
 *
 * KEYS 1 to 4 of TAKE_PLACE, and of a Job with a target `targets` and `waiting:target:<digest>`; ARGV place,
 * the target's digest or ''. Returns what the function does.
 */
export const RELEASE_PLACE = `${RELEASE_FUNCTION}
return release(ARGV[1], ARGV[2], KEYS[5], KEYS[6])
`;

/**
 * Gives back a place whose Job does not exist, unless it was taken again after that was known.
 *
 * KEYS 1 to 4 of TAKE_PLACE; ARGV place, before when it must have been taken. Returns what the function does.
 */
export const RELEASE_LEFT_OVER = `${RELEASE_FUNCTION}
local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not at or math.abs(at) >= tonumber(ARGV[2]) then return {} end
return release(ARGV[1], '')
`;

/**
 * The next to be looked at, where the one before could not be. KEYS 1 to 4 of TAKE_PLACE, and where it
 * waited for a target `waiting:target:<digest>`. Returns them.
 */
export const NEXT_WAITING = `${NEXT}
local called = {KEYS[5] and nextOf(KEYS[5]) or nil}
called[#called + 1] = nextOf(KEYS[4]) or nextOf(KEYS[3])
return called
`;

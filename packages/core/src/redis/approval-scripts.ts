import {
  approvalsKey,
  askedKey,
  type Decided,
  decidedKey,
  type Question,
  readDecided,
  readWish,
  type Wish,
} from './approvals.ts';
import { APPEND_FUNCTION, appendKeys } from './history.ts';
import { RAISE_FUNCTION, raiseArguments, raisedKey, type ToRaise } from './raised.ts';

/** KEYS and ARGV of a script. */
interface ScriptInput {
  readonly keys: string[];
  readonly args: (string | number)[];
}

/** Milliseconds: 8 days, as for the fate of a Job. */
const DECIDED_TTL = 8 * 24 * 3600 * 1000;

/**
 * Asks about a Job, once over all workers.
 *
 * KEYS asked, decided:<uid>, those of `append`, what is raised. ARGV uid, the question, how many entries the
 * history may have, the entry, what it raises. Returns 'asked' by the call that asked, 'known' where it is asked already, 'decided' where it was:
 * a Job that a person suspends again after its release is no question.
 */
export const ASK = `${APPEND_FUNCTION}${RAISE_FUNCTION}
if redis.call('EXISTS', KEYS[2]) == 1 then return 'decided' end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 'known' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
append(KEYS[3], KEYS[4], KEYS[5], ARGV[3], ARGV[4])
raise(KEYS[6], KEYS[5], 5)
return 'asked'
`;

/** @param count OPENFERO_HISTORY_COUNT @param entry as encodeEntry writes it */
export const askInput = (
  prefix: string,
  asked: Question,
  {
    count,
    entry,
    raised,
  }: { readonly count: number; readonly entry: string; readonly raised: ToRaise | undefined },
): ScriptInput => ({
  keys: [
    ...[askedKey(prefix), decidedKey(prefix, asked.uid), ...appendKeys(prefix)],
    raisedKey(prefix),
  ],
  args: [asked.uid, JSON.stringify(asked), count, entry, ...raiseArguments(raised)],
});

/**
 * Notes what is to be done about a question that stands. The first wish counts; but a question that lapses, or
 * whose alert has ended, is not approved any more.
 *
 * KEYS asked, approvals, decided:<uid>. ARGV uid, the wish. Returns {'noted'}, or {'known', the wish that counts},
 * {'decided', what became of it}, {'unknown'} where there is no such question.
 */
export const DECIDE = `
local decided = redis.call('GET', KEYS[3])
if decided then return {'decided', decided} end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return {'unknown'} end
local known = redis.call('HGET', KEYS[2], ARGV[1])
if known then
  local ok, before = pcall(cjson.decode, known)
  local wants = cjson.decode(ARGV[2]).decision
  local isOver = wants == 'lapsed' or wants == 'withdrawn'
  if not (isOver and ok and type(before) == 'table' and before.decision == 'approved') then return {'known', known} end
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return {'noted'}
`;

export const decideInput = (prefix: string, uid: string, wanted: Wish): ScriptInput => ({
  keys: [askedKey(prefix), approvalsKey(prefix), decidedKey(prefix, uid)],
  args: [uid, JSON.stringify(wanted)],
});

/** What {@link DECIDE} answers. */
export type Noted =
  | { readonly kind: 'noted' }
  | { readonly kind: 'known'; readonly wish: Wish | undefined }
  | { readonly kind: 'decided'; readonly decided: Decided | undefined }
  | { readonly kind: 'unknown' };

export function readNoted(answer: unknown): Noted {
  const [kind, detail] = Array.isArray(answer) ? answer : [];
  switch (kind) {
    case 'noted':
    case 'unknown':
      return { kind };
    case 'known':
      return { kind, wish: readWish(detail) };
    case 'decided':
      return { kind, decided: readDecided(detail) };
    default:
      throw new Error('the script that notes decisions answered nonsense');
  }
}

/**
 * Notes what keeps a wish from being carried out, unless another wish counts by now.
 *
 * KEYS approvals. ARGV uid, the wish as it is, the wish with its obstacle. Returns 1 where it noted it.
 */
export const OBSTRUCT = `
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
`;

/**
 * Records what became of a question, as the cluster shows it, once over all workers and all calls.
 *
 * KEYS decided:<uid>, asked, approvals, those of `append`. ARGV uid, what became of it, its life, how many
 * entries the history may have, the entry. Returns {1 where this call recorded it, what counts}.
 */
export const RECORD_DECIDED = `${APPEND_FUNCTION}
local before = redis.call('GET', KEYS[1])
if not before then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
if before then return {0, before} end
append(KEYS[4], KEYS[5], KEYS[6], ARGV[4], ARGV[5])
return {1, ARGV[2]}
`;

export const recordInput = (
  prefix: string,
  uid: string,
  { became, count, entry }: { became: Decided; count: number; entry: string },
): ScriptInput => ({
  keys: [
    decidedKey(prefix, uid),
    ...[askedKey(prefix), approvalsKey(prefix)],
    ...appendKeys(prefix),
  ],
  args: [uid, JSON.stringify(became), DECIDED_TTL, count, entry],
});

/** What {@link RECORD_DECIDED} answers. @throws where it is nothing */
export function readRecorded(answer: unknown): {
  readonly first: boolean;
  readonly became: Decided;
} {
  const [first, text] = Array.isArray(answer) ? answer : [];
  const became = readDecided(text);
  if (became === undefined) throw new Error('the script that records decisions answered nonsense');
  return { first: first === 1, became };
}

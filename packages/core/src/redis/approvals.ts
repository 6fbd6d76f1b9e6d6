import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { APPEND_FUNCTION, appendKeys } from './history.ts';
import { key } from './keys.ts';
import { limitFunctions } from './limits.ts';
import { RAISE_FUNCTION, raiseArguments, raisedKey, type ToRaise } from './raised.ts';

/**
 * Jobs that wait for a person, and what was decided about them:
 *
 * | key | shape | holds |
 * |---|---|---|
 * | asked | hash | uid of the Job to {@link Question}, JSON, until it is decided |
 * | approvals | hash | uid to {@link Wish}, JSON: what is to be carried out; until it is decided |
 * | decided:<uid> | string | {@link Decided}, JSON: what became of it, {@link DECIDED_TTL} |
 *
 * The Job itself says whether it waits. So after a loss of Redis the questions are asked again from the watch;
 * only wishes that nobody has carried out are lost.
 */
export const askedKey = (prefix: string): string => key(prefix, 'asked');
export const approvalsKey = (prefix: string): string => key(prefix, 'approvals');
export const decidedKey = (prefix: string, uid: string): string => key(prefix, 'decided', uid);

/** Milliseconds: 8 days, as for the fate of a Job. */
const DECIDED_TTL = 8 * 24 * 3600 * 1000;

/** What can become of a question: nobody answered, or its alert ended first. */
export const DECISIONS = ['approved', 'denied', 'lapsed', 'withdrawn'] as const;
export type Decision = (typeof DECISIONS)[number];

/** The end of year 9999. */
const Time = Type.Number({ minimum: 0, maximum: 253_402_300_799_999 });
const Decision = Type.Enum([...DECISIONS]);

const QuestionSchema = Type.Object({
  uid: Type.String({ minLength: 1 }),
  job: Type.String({ minLength: 1 }),
  operarius: Type.String(),
  alertname: Type.String(),
  fingerprint: Type.String(),
  startsAt: Type.String(),
  remediation: Type.String(),
  labels: Type.Unsafe<Readonly<Record<string, string>>>(
    Type.Object({}, { additionalProperties: Type.String() }),
  ),
  /** What the worker looked at before it created the Job, in words. */
  checked: Type.Array(Type.String()),
  /** The Job, YAML. */
  manifest: Type.String(),
  /** When it was asked, and until when it can be answered: milliseconds, Redis' clock. */
  at: Time,
  until: Time,
});

/** A Job that waits for a person. */
export type Question = Readonly<Static<typeof QuestionSchema>>;

const WishSchema = Type.Object({
  decision: Decision,
  /** Who; empty where OpenFero itself. */
  by: Type.String(),
  at: Time,
  /** What keeps it from being carried out. It is tried again until the question lapses. */
  obstacle: Type.Optional(Type.String()),
});

/** What is to be done about a question. */
export type Wish = Readonly<Static<typeof WishSchema>>;

const DecidedSchema = Type.Object({ decision: Decision, by: Type.String() });

/** What became of a question, and by whom: empty where nobody knows. */
export type Decided = Readonly<Static<typeof DecidedSchema>>;

const question = Compile(QuestionSchema);
const wish = Compile(WishSchema);
const decided = Compile(DecidedSchema);

/** Reads a field of {@link askedKey} as hostile input. */
export function readQuestion(text: unknown): Question | undefined {
  const value = parse(text);
  return question.Check(value) ? value : undefined;
}

/** Reads a field of {@link approvalsKey} as hostile input. */
export function readWish(text: unknown): Wish | undefined {
  const value = parse(text);
  return wish.Check(value) ? value : undefined;
}

/** Reads {@link decidedKey} as hostile input. */
function readDecided(text: unknown): Decided | undefined {
  const value = parse(text);
  return decided.Check(value) ? value : undefined;
}

function parse(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

/** KEYS and ARGV of a script. */
export interface ScriptInput {
  readonly keys: string[];
  readonly args: (string | number)[];
}

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
 * KEYS approvals. ARGV uid, the wish as it is, the wish with its obstacle.
 */
export const OBSTRUCT = `
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
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

/**
 * Takes for a Job that is released what others take before they are created: its place over all, its target,
 * and its run. One that a person has released with kubectl takes them whatever the limits say.
 *
 * KEYS places, decided:<uid>. ARGV place, limit over all (0 = none), '1' where it is released already. Then those
 * of {@link limitFunctions}, if it has such limits. Returns 'free', or what is in the way: 'max-active-jobs',
 * 'max-runs', 'target', or 'target-lost' where nobody knows.
 */
export const TAKE_RELEASED = `${limitFunctions(3, 4)}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local place, all, isReleased = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local score = redis.call('ZSCORE', KEYS[1], place)
local takesPlace = score and tonumber(score) < 0
local function whyNot()
  local work = target and stateOfTarget()
  if work == 'taken' then return 'target' end
  if work == 'lost' then return 'target-lost' end
  if target and runsUsedUp(now) then return 'max-runs' end
  if takesPlace and all > 0 and redis.call('ZCOUNT', KEYS[1], 0, '+inf') >= all then return 'max-active-jobs' end
end
-- A worker that has just started sees it released too; it began long ago.
if isReleased and redis.call('EXISTS', KEYS[2]) == 1 then return 'free' end
local obstacle = not isReleased and whyNot()
if obstacle then return obstacle end
if takesPlace then redis.call('ZADD', KEYS[1], now, place) end
if target then startRun(now) end
return 'free'
`;

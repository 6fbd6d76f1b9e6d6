import type { Instant } from '../instant.ts';
import { key } from './keys.ts';
import { readState, type State } from './states.ts';
import { readStopped, type Stopped } from './stopped.ts';

/**
 * What Redis remembers of one trouble (see identity/trouble.ts): its latest Job. A hash:
 *
 * | field | holds |
 * |---|---|
 * | episode | the episode's instant |
 * | count | how often `repeat-after` has repeated it |
 * | remediation | the UUID of the remediation that created the Job |
 * | job | the Job's name |
 * | times | its latest {@link MOST_CREATIONS} Jobs, the oldest first: `<createdAt>/<end of the Job's name>`, with spaces between |
 * | createdAfter, createdAt | between these two the Job was created: milliseconds since 1970, by Redis' clock |
 *
 * It lives {@link MEMORY_TTL} past its last sighting.
 */
export interface Memory {
  readonly episode: { readonly instant: Instant; readonly count: number };
  readonly remediation: string;
  readonly job: string;
  /** What began before has its Job: never too late, so that no trouble is taken for covered that is not. */
  readonly createdAfter: number;
  /** `cooldown` counts from here: never too early, so that two Jobs are not closer than it. */
  readonly createdAt: number;
}

/**
 * Milliseconds: 8 days. Twice the longest `repeat_interval` in common use is far below it, and a
 * Job that failed on Friday is still known on the Monday after next.
 */
export const MEMORY_TTL = 8 * 24 * 3600 * 1000;

export const memoryKey = (prefix: string, troubleKey: string): string =>
  key(prefix, 'memory', troubleKey);

/** Lua: the fields of a memory, in the order in which they are read. */
export const MEMORY_FIELDS =
  "'episode', 'count', 'remediation', 'job', 'createdAt', 'createdAfter', 'times'";

const JOB_FIELD = 3;
const TIMES_FIELD = 6;

/** As many as `max-repeats` can count. */
export const MOST_CREATIONS = 20;

/** Reads {@link MEMORY_FIELDS}; undefined where nothing, or nothing whole, is remembered. */
function readMemory(fields: unknown): Memory | undefined {
  const [instant, count, remediation, job, createdAt, createdAfter = createdAt] = texts(fields);
  if (!instant || !remediation || !job) return undefined;
  const numbers = {
    count: Number(count),
    createdAt: Number(createdAt),
    createdAfter: Number(createdAfter),
  };
  if (!Object.values(numbers).every(Number.isFinite)) return undefined;
  const { count: counted, ...times } = numbers;
  return { episode: { instant, count: counted }, remediation, job, ...times };
}

/**
 * Which remediation creates a Job of a trouble now. Look, create and remember are separate steps: between
 * them another one would see nothing, and create another Job. A string, JSON. It is one remediation's,
 * not its episode's: of two that shared it, the one that is refused would free it while the other creates.
 *
 * It counts for {@link CLAIM_LIFE}. Then its Job is read by name, since its worker may have been killed
 * between the create and the memory: so the string itself lives as long as a memory.
 */
export interface Claim {
  readonly episode: { readonly instant: Instant; readonly count: number };
  readonly job: string;
  /** Milliseconds, by Redis' clock. */
  readonly at: number;
}

/**
 * Milliseconds. A worker confirms its lock between claim and create: it creates nothing later than the
 * lock (10 s), the trust in it (5 s) and the time limit of the call (4 s) allow.
 */
export const CLAIM_LIFE = 60_000;

export const claimKey = (prefix: string, troubleKey: string): string =>
  key(prefix, 'claim', troubleKey);

/** Reads a claim as hostile input. */
export function readClaim(text: unknown): Claim | undefined {
  const [instant, count, job, , at] = texts(parseList(text));
  if (!instant || !job || !Number.isInteger(Number(count))) return undefined;
  return { episode: { instant, count: Number(count) }, job, at: Number(at) };
}

/** Lua: a claim is {episode, count, job, remediation, time}, all as texts; nil where there is none. */
export const CLAIM_FUNCTIONS = `
local function claimIn(key)
  local text = redis.call('GET', key)
  if not text then return nil end
  local ok, claim = pcall(cjson.decode, text)
  return ok and type(claim) == 'table' and tonumber(claim[5]) and claim or nil, text
end
`;

/**
 * Remembers a Job, unless a later one is remembered: a worker that was paused must not make the
 * system forget. One that was remembered before changes nothing, since "just now" is over by then. Either
 * way the trouble was seen again, and the episode needs its claim no more.
 *
 * KEYS the memory, the claim; ARGV episode, count, remediation, job, createdAfter, createdAt (empty: just
 * now), ttl in milliseconds. The times are those of the cluster where a Job was found there: none is
 * later than now, whatever its clock says.
 */
export const REMEMBER = `${CLAIM_FUNCTIONS}
-- Nil where the Job is among them.
local function timesWith(known, createdAt, job)
  local own = string.format('%.0f/%s', createdAt, job)
  if known == '' then return own end
  local times = {{createdAt, own}}
  for at, name in string.gmatch(known, '(%d+)/(%w+)') do
    if name == job then return nil end
    times[#times + 1] = {tonumber(at), at .. '/' .. name}
  end
  table.sort(times, function(a, b) return a[1] < b[1] end)
  local texts = {}
  for i = math.max(1, #times - ${MOST_CREATIONS} + 1), #times do texts[#texts + 1] = times[i][2] end
  return table.concat(texts, ' ')
end
local claim = claimIn(KEYS[2])
if claim and claim[1] == ARGV[1] and claim[2] == ARGV[2] then redis.call('DEL', KEYS[2]) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local createdAt = math.min(now, tonumber(ARGV[6]) or now)
local createdAfter = math.min(createdAt, tonumber(ARGV[5]))
local known = redis.call('HMGET', KEYS[1], 'times', 'createdAt')
local times = timesWith(known[1] or '', createdAt, string.match(ARGV[4], '%w+$') or '')
if times then
  local fields = {'times', times}
  local latest = tonumber(known[2])
  if not latest or latest <= createdAt then
    fields = {'times', times, 'episode', ARGV[1], 'count', ARGV[2], 'remediation', ARGV[3],
      'job', ARGV[4], 'createdAfter', createdAfter, 'createdAt', createdAt}
  end
  redis.call('HSET', KEYS[1], unpack(fields))
end
redis.call('PEXPIRE', KEYS[1], ARGV[7])
`;

/**
 * What bears on one remediation, at one instant of Redis' clock, in one command.
 *
 * KEYS[1] the state of its alert, KEYS[2] the memory of its trouble, KEYS[3] the operarii that are stopped;
 * ARGV[1] its operarius.
 */
export const LOOK = `
local time = redis.call('TIME')
local memory = redis.call('HMGET', KEYS[2], ${MEMORY_FIELDS})
return {redis.call('GET', KEYS[1]), memory, redis.call('HGET', KEYS[3], ARGV[1]), time[1], time[2]}
`;

/** What {@link LOOK} has seen. */
export interface Look {
  /** The latest received state of the alert. */
  readonly state: State | undefined;
  readonly memory: Memory | undefined;
  /** That its operarius was stopped, whether or not that is over. */
  readonly stopped: Stopped | undefined;
  /** When the latest Jobs of the trouble were created: milliseconds. */
  readonly creations: readonly number[];
  /** The remembered Job, even of a memory that cannot be read; empty where there is none. */
  readonly known: string;
  /** Milliseconds since 1970, by Redis' clock: the clock of every decision about time. */
  readonly now: number;
}

/** Reads the answer of {@link LOOK} as hostile input. */
export function readLook(answer: unknown): Look {
  const [state, memory, stopped, ...time] = Array.isArray(answer) ? answer : [];
  return {
    state: readState(textOf(state)),
    memory: readMemory(memory),
    stopped: readStopped(stopped),
    creations: readCreations(texts(memory)[TIMES_FIELD] ?? ''),
    known: texts(memory)[JOB_FIELD] ?? '',
    now: readTime(time),
  };
}

function readCreations(text: string): number[] {
  return Array.from(text.matchAll(/(\d{1,15})\/\w+/g), ([, at]) => Number(at));
}

/** Milliseconds since 1970, from the two numbers that TIME answers. @throws where they are none */
export function readTime(answer: unknown): number {
  const [seconds, micros] = Array.isArray(answer) ? answer : [];
  const now = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  if (!(now > 0)) throw new Error('Redis tells no time');
  return now;
}

function parseList(text: unknown): unknown {
  try {
    return JSON.parse(textOf(text) ?? '');
  } catch {
    return undefined;
  }
}

function texts(values: unknown): (string | undefined)[] {
  return Array.isArray(values) ? values.map(textOf) : [];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

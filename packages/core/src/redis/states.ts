import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Alert } from '../alert.ts';
import { digest } from '../digest.ts';
import { parseInstant } from '../instant.ts';
import { key } from './keys.ts';
import { QUEUE } from './remediation.ts';

/**
 * The latest received state of each alert, written by the receiver before the remediation: one
 * string per alertname and fingerprint, JSON, kept {@link STATE_TTL}. A worker asks it whether a firing
 * alert has resolved since, and when its occurrence was last received.
 */
const StateSchema = Type.Object({
  /** Milliseconds since 1970, by Redis' clock. */
  receivedAt: Type.Number({ minimum: 0 }),
  status: Type.Union([Type.Literal('firing'), Type.Literal('resolved')]),
  /** Both in the canonical spelling of instant.ts. */
  startsAt: Type.String(),
  endsAt: Type.String(),
});

export type State = Readonly<Static<typeof StateSchema>>;

/** Milliseconds: 8 days, as the memory. Beyond it no notification of the alert can be waiting. */
export const STATE_TTL = 8 * 24 * 3600 * 1000;

/**
 * States kept, those received last. A state matters while a remediation of its alert waits, but one is
 * written for every alert, and an alert without an operarius leaves one for {@link STATE_TTL}: at 1,000
 * alerts a second Redis would be full within the hour. As many as may wait by default
 * (OPENFERO_MAX_WAITING); 100,000 take 50 MB. Where a flood displaces the state of an alert that still
 * waits, its remediation runs although the alert may have resolved.
 */
export const MAX_STATES = 100_000;

const schema = Compile(StateSchema);

/** A sorted set of the keys of all states, by receipt: what the oldest are removed by. */
const statesKey = (prefix: string): string => key(prefix, 'states');

/**
 * A sender chooses the fingerprint: without the alertname one that uses another's would resolve an
 * alert that is none of its own. Half a digest keeps the key short: 128 bits do not collide.
 */
export function stateKey(
  prefix: string,
  { labels, fingerprint }: Pick<Alert, 'labels' | 'fingerprint'>,
): string {
  return key(prefix, 'state', digest(labels['alertname'] ?? '', fingerprint).slice(0, 32));
}

/** Reads the answer of GET as hostile input; undefined where there is no state of ours. */
export function readState(text: string | null | undefined): State | undefined {
  if (!text) return undefined;
  const value = parseJson(text);
  if (!schema.Check(value)) return undefined;
  const startsAt = parseInstant(value.startsAt);
  const endsAt = parseInstant(value.endsAt);
  if (startsAt === undefined || endsAt === undefined) return undefined;
  return { receivedAt: value.receivedAt, status: value.status, startsAt, endsAt };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Run once per notification. Refuses it while too much waits, else takes the one instant of receipt
 * and writes the state of every alert, unless a stored one was received later (Redis' clock can be
 * set back).
 *
 * It also tells which occurrences wait or run already: BullMQ would absorb them one by one at the
 * price of adding them, and a large notification that missed its deadline would never get through
 * however often it is repeated.
 *
 * KEYS[1..4] BullMQ's lists `wait` and `paused` and sorted sets `delayed` and `prioritized`;
 * KEYS[5...] per alert its state and BullMQ's deduplication key; the last of KEYS all states by receipt.
 * ARGV[1] how many may wait, ARGV[2] the states' life in milliseconds, ARGV[3] what BullMQ's keys begin
 * with, ARGV[4...] per alert its state as JSON without `receivedAt`.
 *
 * @returns {1, instant of receipt in milliseconds, {index of an absorbed alert...}}, or
 *   {0, how many wait}
 */
export const RECEIVE = `
local waiting = redis.call('LLEN', KEYS[1]) + redis.call('LLEN', KEYS[2])
  + redis.call('ZCARD', KEYS[3]) + redis.call('ZCARD', KEYS[4])
if waiting >= tonumber(ARGV[1]) then return {0, waiting} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local opening = string.format('{"receivedAt":%.0f,', now)
local absorbed = {}
for i = 0, #ARGV - 4 do
  local state, occurrence = KEYS[5 + 2 * i], KEYS[6 + 2 * i]
  local known = redis.call('GET', state)
  local received = known and string.match(known, '^{"receivedAt":(%d+),')
  if not received or tonumber(received) <= now then
    redis.call('SET', state, opening .. string.sub(ARGV[4 + i], 2), 'PX', ARGV[2])
    redis.call('ZADD', KEYS[#KEYS], now, state)
  end
  local job = redis.call('GET', occurrence)
  if job and redis.call('EXISTS', ARGV[3] .. job) == 1 then absorbed[#absorbed + 1] = i end
end
local excess = redis.call('ZCARD', KEYS[#KEYS]) - ${MAX_STATES}
if excess > 0 then
  local oldest = redis.call('ZPOPMIN', KEYS[#KEYS], excess)
  for i = 1, #oldest, 2 do redis.call('DEL', oldest[i]) end
end
return {1, now, absorbed}
`;

/** KEYS and ARGV of {@link RECEIVE}. */
export function receiveArguments(
  prefix: string,
  maxWaiting: number,
  occurrences: readonly { readonly id: string; readonly alert: Alert }[],
): { keys: string[]; args: (string | number)[] } {
  const queueKey = (...parts: string[]): string => key(prefix, QUEUE, ...parts);
  return {
    keys: [
      ...['wait', 'paused', 'delayed', 'prioritized'].map((name) => queueKey(name)),
      ...occurrences.flatMap(({ id, alert }) => [stateKey(prefix, alert), queueKey('de', id)]),
      statesKey(prefix),
    ],
    args: [
      ...[maxWaiting, STATE_TTL, queueKey('')],
      ...occurrences.map(({ alert: { status, startsAt, endsAt } }) =>
        JSON.stringify({ status, startsAt, endsAt }),
      ),
    ],
  };
}

export type Receipt =
  | { readonly receivedAt: number; readonly absorbed: ReadonlySet<unknown> }
  | { readonly waiting: number };

/** Reads the answer of {@link RECEIVE}. @throws where it is none */
export function readReceipt(answer: unknown): Receipt {
  const [accepted, number, absorbed] = Array.isArray(answer) ? answer : [];
  if (typeof number !== 'number') throw new Error('the script that receives answered nonsense');
  if (accepted !== 1) return { waiting: number };
  return { receivedAt: number, absorbed: new Set(Array.isArray(absorbed) ? absorbed : []) };
}

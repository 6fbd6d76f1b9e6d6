import { setTimeout as sleep } from 'node:timers/promises';
import { ENDS, type End } from '@openfero/core/outcome';
import { DEFAULT_PREFIX, key } from '@openfero/core/redis/keys';
import { placesKey } from '@openfero/core/redis/places';
import { QUEUE, type Remediation } from '@openfero/core/redis/remediation';
import { at } from '@openfero/testkit/controlplane';
import { Redis } from 'ioredis';

/** The end of a remediation, as recorded in Redis. */
export interface Ending {
  readonly remediation: Remediation;
  readonly end: End | 'unknown';
  readonly reason: string;
  readonly job: string | undefined;
  /** When its worker recorded it, and when that was seen in Redis: a command may be under way for long. */
  readonly at: number;
  readonly seenAt: number;
}

/** Reads the ends of all remediations from Redis, through a connection that no fault affects. */
export interface Observer {
  readonly redis: Redis;
  /** By remediation, in order. A remediation that a person retried has several. */
  readonly endings: ReadonlyMap<string, readonly Ending[]>;
  /** Reads the ends since the last look. */
  look(): Promise<void>;
  /** The remediations that a worker is processing. */
  active(): Promise<string[]>;
  failed(): Promise<string[]>;
  /** Waits until none of them is waiting or being processed. @returns false after the limit */
  settled(ids: readonly string[], limitMs: number): Promise<boolean>;
  /** The number of remediations by state, and of places. */
  left(): Promise<Readonly<Record<string, number>>>;
  stop(): Promise<void>;
}

/** Milliseconds between two looks. Cleaning spares what ended in the last 5 s. */
const LOOK = 1000;

/** Milliseconds that a worker's command may be under way, with the time at which it was sent: Redis hangs. */
const OVERLAP = 60_000;

/** BullMQ's sets of what has ended, with the time as score, and the field that says how. */
const ENDED = { completed: 'returnvalue', failed: 'failedReason' } as const;

export const queueKey = (...parts: string[]): string => key(DEFAULT_PREFIX, QUEUE, ...parts);

export function startObserver(port: number): Observer {
  const redis = new Redis(port, '127.0.0.1', {
    maxRetriesPerRequest: 1,
    commandTimeout: 5000,
    retryStrategy: () => 100,
  });
  // Redis is killed in every run.
  redis.on('error', () => {});
  const endings = new Map<string, Ending[]>();
  const stopping = new AbortController();
  const known = new Set<string>();
  let latest = 0;

  const note = async (id: string, at: number, state: keyof typeof ENDED): Promise<void> => {
    const [data, how] = await redis.hmget(queueKey(id), 'data', ENDED[state]);
    // A person has retried or removed it just now.
    if (!data || !how) return;
    const remediation: Remediation = JSON.parse(data);
    const ending = { remediation, at, seenAt: Date.now(), ...endOf(state, how) };
    endings.set(id, [...(endings.get(id) ?? []), ending]);
    known.add(`${id} ${at}`);
  };
  const lookAt = async (): Promise<void> => {
    const from = latest - OVERLAP;
    for (const state of ['completed', 'failed'] as const) {
      const flat = await redis.zrangebyscore(queueKey(state), from, '+inf', 'WITHSCORES');
      for (let i = 0; i < flat.length; i += 2) {
        const [id = '', at] = [flat[i], Number(flat[i + 1])];
        if (!known.has(`${id} ${at}`)) await note(id, at, state);
        latest = Math.max(latest, at);
      }
    }
  };
  let looking: Promise<void> | undefined;
  const look = (): Promise<void> => {
    looking ??= lookAt().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await look().catch(() => undefined);
      await sleep(LOOK);
    }
  };
  const running = run();
  const atRest = async (id: string): Promise<boolean> => {
    const [completed, failed, delayed] = await Promise.all(
      ['completed', 'failed', 'delayed'].map((state) => redis.zscore(queueKey(state), id)),
    );
    return [completed, failed, delayed].some((score) => typeof score === 'string');
  };
  return {
    redis,
    endings,
    look,
    active: () => redis.lrange(queueKey('active'), '0', '-1'),
    failed: () => redis.zrange(queueKey('failed'), '0', '-1'),
    async settled(ids, limitMs) {
      const limit = Date.now() + limitMs;
      let open = [...ids];
      while (open.length > 0 && Date.now() < limit) {
        const rest = await Promise.all(open.map((id) => atRest(id).catch(() => false)));
        open = open.filter((_, i) => rest[i] === false);
        await sleep(50);
      }
      return open.length === 0;
    },
    async left() {
      const lists = ['wait', 'active', 'paused'];
      const sets = ['delayed', 'prioritized'];
      const entries = await Promise.all([
        ...lists.map(async (name) => [name, await redis.llen(queueKey(name))] as const),
        ...sets.map(async (name) => [name, await redis.zcard(queueKey(name))] as const),
        redis.zcard(placesKey(DEFAULT_PREFIX)).then((count) => ['places', count] as const),
      ]);
      return Object.fromEntries(entries);
    },
    async stop() {
      stopping.abort();
      await running;
      redis.disconnect();
    },
  };
}

function endOf(state: keyof typeof ENDED, how: string): Pick<Ending, 'end' | 'reason' | 'job'> {
  const result: unknown = state === 'completed' ? JSON.parse(how) : undefined;
  const outcome = state === 'failed' ? how.split(':', 1)[0] : at(result, 'outcome');
  const job = at(result, 'job');
  return {
    end: ENDS.find((one) => one === outcome) ?? 'unknown',
    reason: state === 'failed' ? how : String(at(result, 'reason')),
    job: typeof job === 'string' ? job : undefined,
  };
}

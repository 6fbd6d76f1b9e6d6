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
  /** When it was recorded: milliseconds since 1970, by Redis' clock. */
  readonly at: number;
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

/** Milliseconds between two looks. The stream keeps some seconds of this load; cleaning spares the last 5 s. */
const LOOK = 100;

/** Entries of the stream per read. */
const PAGE = 1000;

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
  let last = '0-0';

  const note = async ({ id, at, result, failedReason }: Event): Promise<void> => {
    const data = await redis.hget(queueKey(id), 'data');
    if (data === null) throw new Error(`${id} was removed before it was read`);
    const remediation: Remediation = JSON.parse(data);
    const ending = { remediation, at, ...endOf(result, failedReason) };
    endings.set(id, [...(endings.get(id) ?? []), ending]);
  };
  const readOn = async (): Promise<number> => {
    const entries = await redis.xrange(queueKey('events'), `(${last}`, '+', 'COUNT', PAGE);
    for (const [entry, fields] of entries) {
      const event = eventOf(entry, fields);
      if (event !== undefined) await note(event);
      last = entry;
    }
    return entries.length;
  };
  const lookAt = async (): Promise<void> => {
    while ((await readOn()) === PAGE);
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

interface Event {
  readonly id: string;
  readonly at: number;
  readonly result: string | undefined;
  readonly failedReason: string | undefined;
}

/** @returns an end from BullMQ's event stream, whose entry ids contain Redis' time */
function eventOf(entry: string, fields: readonly string[]): Event | undefined {
  const field = (name: string): string | undefined => {
    const index = fields.indexOf(name);
    return index % 2 === 0 ? fields[index + 1] : undefined;
  };
  const event = field('event');
  if (event !== 'completed' && event !== 'failed') return undefined;
  return {
    id: field('jobId') ?? '',
    at: Number(entry.split('-')[0]),
    result: event === 'completed' ? field('returnvalue') : undefined,
    failedReason: event === 'failed' ? field('failedReason') : undefined,
  };
}

function endOf(
  returned: string | undefined,
  failedReason: string | undefined,
): Pick<Ending, 'end' | 'reason' | 'job'> {
  const result: unknown = returned === undefined ? undefined : JSON.parse(returned);
  const outcome = failedReason?.split(':', 1)[0] ?? at(result, 'outcome');
  const job = at(result, 'job');
  return {
    end: ENDS.find((one) => one === outcome) ?? 'unknown',
    reason: failedReason ?? String(at(result, 'reason')),
    job: typeof job === 'string' ? job : undefined,
  };
}

import { type Static, type TSchema, Type } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { bytesOf, cut, fitting } from '../cut.ts';
import { MODES } from '../mode.ts';
import { key } from './keys.ts';

/**
 * What the workers and the receiver publish for the dashboard, so that it can say after any restart which
 * operarii are broken, who works and whether alerts come. All of it is written again while it is true:
 * what is not is shown as stale.
 */

/**
 * A hash, one field per ConfigMap: {@link PublishedOperarius}, JSON of {@link OPERARIUS_LIMIT} at most. 1,000
 * usual ones take 0.5 MB of Redis, the largest 4 MB.
 *
 * What a reader needs to know:
 *
 * - `HGETALL`, then {@link readPublishedOperarius} for each field. It answers undefined for what is not ours:
 *   show its name, and that nothing is known.
 * - A ConfigMap appears within seconds, when the check of its definition has a result, and disappears with
 *   the ConfigMap. One that only looks like an operarius, and has not its label, is here with a `problem` too.
 * - Each is written again once a minute by one of the workers. If `at` is older than
 *   {@link OPERARIUS_STALE_AFTER}, no worker runs, or the API server does not answer: show it as stale.
 * - Any worker may have written it: `publisher` says which. Workers with different settings, as during an
 *   upgrade, replace each other's.
 * - Every text may be cut, and then ends with an ellipsis. All come from authors of ConfigMaps and from API
 *   servers: escape them.
 */
export const operariiKey = (prefix: string): string => key(prefix, 'operarii');

/**
 * A hash, one field per worker: {@link PublishedWorker}, JSON. A worker removes its own when it stops, and
 * those of workers that have written nothing for an hour.
 */
export const workersKey = (prefix: string): string => key(prefix, 'workers');

/**
 * When a receiver last accepted a notification: milliseconds since 1970, by Redis' clock. A string. Written
 * once a second at most.
 */
export const lastNotificationKey = (prefix: string): string => key(prefix, 'last-notification');

/**
 * When a receiver last refused a whole notification, and with which status code: {@link Refusal}, JSON. Not
 * written while Redis cannot be used, which is why most are refused.
 */
export const lastRefusalKey = (prefix: string): string => key(prefix, 'last-refusal');

/**
 * A hash, Job to the reason why its pods cannot be created, of {@link CANNOT_START_LENGTH} characters. A field
 * lives as long as that lasts.
 */
export const cannotStartKey = (prefix: string): string => key(prefix, 'cannot-start');

/** Characters: as in the history. */
export const CANNOT_START_LENGTH = 512;

/** Which worker asks why the Job with this uid has no pods. */
export const cannotStartClaimKey = (prefix: string, uid: string): string =>
  key(prefix, 'cannot-start', uid);

/** Which worker writes all operarii again: it is the one, until this expires. */
export const operariiClaimKey = (prefix: string): string => key(prefix, 'operarii', 'claim');

/**
 * Milliseconds for which that holds. Workers ask every 15 s, so all are written once a minute; one that
 * dies meanwhile makes it two.
 */
export const OPERARII_CLAIM_TTL = 45_000;

/** Milliseconds: two writes were missed. */
export const OPERARIUS_STALE_AFTER = 120_000;

/** Milliseconds between two writes of a worker. */
export const WORKER_INTERVAL = 10_000;
/** Milliseconds: three writes were missed. It is not counted as alive. */
export const WORKER_STALE_AFTER = 3 * WORKER_INTERVAL;
/** Milliseconds: after these, another worker removes it from the hash. */
export const FORGET_WORKER_AFTER = 3_600_000;

/** The end of year 9999. */
const Time = Type.Number({ minimum: 0, maximum: 253_402_300_799_999 });
const Mode = Type.Enum([...MODES]);

const OperariusSchema = Type.Object({
  v: Type.Literal(1),
  /** Why it cannot run, in one line. */
  problem: Type.Optional(Type.String()),
  warnings: Type.Array(Type.String()),
  /** What counts in the end, by the name of the annotation: `cooldown` `10m`. Empty if it is invalid. */
  policy: Type.Unsafe<Readonly<Record<string, string>>>(
    Type.Object({}, { additionalProperties: Type.String() }),
  ),
  /** The strictest of its own, the setting's and the switch's. */
  mode: Mode,
  resourceVersion: Type.String(),
  /** Its digest; absent where it is no operarius, for want of the label. */
  definition: Type.Optional(Type.String()),
  /** The namespace of the ConfigMap, and that of its Jobs. */
  namespace: Type.String(),
  jobNamespace: Type.String(),
  /** Which worker wrote this, and when: milliseconds since 1970, by Redis' clock. */
  publisher: Type.String(),
  at: Time,
});

export type PublishedOperarius = Readonly<Static<typeof OperariusSchema>>;

/** Bytes of JSON. */
const OPERARIUS_LIMIT = 4_096;

/** Characters, and bytes of JSON. A problem names the place, what is wrong and what to do. */
const PROBLEM_LENGTH = 1_024;
const PROBLEM_BYTES = 2_048;
const WARNING_LENGTH = 256;
/** Of one value of the policy: `match` may hold hundreds of matchers. */
const POLICY_LENGTH = 256;
const POLICY_BYTES = 512;

/** An operarius as the hash holds it: JSON within {@link OPERARIUS_LIMIT}. */
export function encodeOperarius(operarius: PublishedOperarius): string {
  const { problem, warnings, policy } = operarius;
  const bounded = {
    ...operarius,
    ...(problem !== undefined && { problem: cut(problem, PROBLEM_LENGTH, PROBLEM_BYTES) }),
    warnings: [],
    policy: Object.fromEntries(
      Object.entries(policy).map(([name, value]) => [
        name,
        cut(value, POLICY_LENGTH, POLICY_BYTES),
      ]),
    ),
  };
  const room = OPERARIUS_LIMIT - bytesOf(JSON.stringify(bounded));
  return JSON.stringify({ ...bounded, warnings: fitting(warnings, WARNING_LENGTH, room) });
}

const WorkerSchema = Type.Object({
  v: Type.Literal(1),
  /** Of OpenFero. */
  version: Type.String(),
  startedAt: Time,
  /** When it wrote this, by Redis' clock. */
  at: Time,
  /** The position of the switch for all operarii. */
  mode: Mode,
  /**
   * Where it comes from, for people: OPENFERO_MODE, or the ConfigMap and its annotation. It begins with
   * `ConfigMap openfero` only where that alone could loosen it.
   */
  source: Type.String(),
  /** Since when all workers obey this mode; absent while they disagree. */
  since: Type.Optional(Time),
  /** Milliseconds since the last word of its oldest watch. */
  watchAge: Type.Number({ minimum: 0 }),
  namespace: Type.String(),
  jobNamespace: Type.String(),
});

export type PublishedWorker = Readonly<Static<typeof WorkerSchema>>;

const operarius = Compile(OperariusSchema);
const worker = Compile(WorkerSchema);

/** Reads a field of {@link operariiKey} as hostile input. */
export const readPublishedOperarius = (text: string | undefined): PublishedOperarius | undefined =>
  (text ?? '').length > OPERARIUS_LIMIT ? undefined : read(operarius, text);

/** Reads a field of {@link workersKey} as hostile input. */
export const readPublishedWorker = (text: string | undefined): PublishedWorker | undefined =>
  read(worker, text);

/** Reads {@link lastNotificationKey} as hostile input. @returns milliseconds since 1970 */
export function readLastNotification(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

const RefusalSchema = Type.Object({
  at: Time,
  /** 401, 400, 404, 405, 413, 415, 500 or 503. */
  code: Type.Integer({ minimum: 400, maximum: 599 }),
});

export type Refusal = Readonly<Static<typeof RefusalSchema>>;

const refusal = Compile(RefusalSchema);

/** Reads {@link lastRefusalKey} as hostile input. */
export const readLastRefusal = (text: string | null): Refusal | undefined =>
  read(refusal, text ?? undefined);

/**
 * Writes the time of Redis into a string. KEYS the string; ARGV what stands before the time (milliseconds)
 * and behind it.
 */
export const STAMP = `
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('SET', KEYS[1], ARGV[1] .. now .. ARGV[2])
`;

/** KEYS and ARGV of {@link STAMP} for a notification. @param code of the response */
export function stampArguments(prefix: string, code: number): { keys: string[]; args: string[] } {
  return code === 200
    ? { keys: [lastNotificationKey(prefix)], args: ['', ''] }
    : { keys: [lastRefusalKey(prefix)], args: ['{"at":', `,"code":${code}}`] };
}

function read<T>(schema: Validator<Record<never, never>, TSchema, T>, text = ''): T | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return schema.Check(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

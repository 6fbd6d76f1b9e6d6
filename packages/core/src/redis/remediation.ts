import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Alert } from '../alert.ts';
import { digest } from '../digest.ts';

/** The BullMQ queue that joins receiver and worker. */
export const QUEUE = 'remediations';

/** The version of the payload below that this code writes and reads. */
export const PAYLOAD_VERSION = 1;

/** TypeBox's own type of it is `object`. */
const Texts = Type.Unsafe<Alert['annotations']>(
  Type.Object({}, { additionalProperties: Type.String() }),
);

/** Canonical, as readAlert makes it: episodes are compared as texts. */
const InstantText = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{9}Z$',
});

/** The end of year 9999 in milliseconds: a later time has no Instant. */
const LAST_MS = 253_402_300_799_999;

const AlertSchema = Type.Object({
  status: Type.Union([Type.Literal('firing'), Type.Literal('resolved')]),
  labels: Type.Object({ alertname: Type.String() }, { additionalProperties: Type.String() }),
  annotations: Texts,
  startsAt: InstantText,
  endsAt: InstantText,
  generatorURL: Type.String(),
  fingerprint: Type.String(),
  truncated: Type.Optional(
    Type.Object({ labels: Type.Array(Type.String()), annotations: Type.Array(Type.String()) }),
  ),
});

/**
 * What a remediation carries through the queue: BullMQ's job data, and as `id` BullMQ's job id.
 * Written by the receiver; the fields after the alert are a worker's.
 */
export const RemediationSchema = Type.Object({
  v: Type.Literal(PAYLOAD_VERSION),
  /** A UUID given by the receiver. Goes into an annotation of the Job as it is. */
  id: Type.String({ pattern: '^[A-Za-z0-9._-]{1,128}$' }),
  /** When the notification was received: milliseconds since 1970, by Redis' clock. */
  receivedAt: Type.Number({ minimum: 0, maximum: LAST_MS }),
  group: Type.Object({
    key: Type.String(),
    status: Type.String(),
    externalURL: Type.String(),
  }),
  alert: AlertSchema,
  /** With `repeat-after`: the remembered episode that this remediation repeats, and its number. */
  repeat: Type.Optional(
    Type.Object({ episode: InstantText, count: Type.Integer({ minimum: 1, maximum: 1e9 }) }),
  ),
  /** Where it belongs in a trace. Read it with readTraceparent: a wrong one must not fail a remediation. */
  traceparent: Type.Optional(Type.Unknown()),
  /** Why it waits although a worker has looked at it, since when (milliseconds, Redis' clock). */
  held: Type.Optional(
    Type.Object({
      reason: Type.String(),
      since: Type.Number(),
      /** The limit and the Jobs that reached it, in words. */
      by: Type.Optional(Type.String()),
      /** The ConfigMap's name, where the alertname does not lead to it. */
      operarius: Type.Optional(Type.String()),
      /** The digest of the target that it waits for. */
      target: Type.Optional(Type.String()),
    }),
  ),
  /** The same, of a remediation that failed. */
  operarius: Type.Optional(Type.String()),
  /** Milliseconds for which `cooldown` or a claim held it: they do not count towards max-age. */
  cooled: Type.Optional(Type.Number({ minimum: 0 })),
  /** When a person retried it after it had failed (milliseconds, Redis' clock): max-age counts from here. */
  retriedAt: Type.Optional(Type.Number()),
  /** How many attempts BullMQ had counted by then: what tells the next retry from this one. */
  retriedAfter: Type.Optional(Type.Number()),
  /** A person has a Job that failed run again: this remediation is about the same occurrence. */
  rerun: Type.Optional(
    Type.Object({
      /** The uid of the Job that failed. */
      of: Type.String(),
      /** Tells one press of the button from another: the first one counts. */
      press: Type.String(),
    }),
  ),
});

export type Remediation = Readonly<Omit<Static<typeof RemediationSchema>, 'alert'>> & {
  readonly alert: Alert;
};

const schema = Compile(RemediationSchema);

/** The payload is of a version that this worker does not know: a newer worker will take it. */
export class NewerPayload extends Error {}

/** The payload is none of ours. */
export class UnreadablePayload extends Error {}

/**
 * Reads BullMQ's job data as hostile input: anyone who can write to Redis can write anything.
 *
 * @throws {NewerPayload} where `v` is a number above {@link PAYLOAD_VERSION}
 * @throws {UnreadablePayload} where it is no payload of ours, naming the field
 */
export function readRemediation(data: unknown): Remediation {
  if (schema.Check(data)) return data;
  const version = versionOf(data);
  if (version !== undefined && version > PAYLOAD_VERSION) {
    throw new NewerPayload(
      `payload version ${version} is newer than this worker's ${PAYLOAD_VERSION}: it waits for a newer worker`,
    );
  }
  const error = schema.Errors(data)[0];
  throw new UnreadablePayload(
    `the payload is not a remediation: ${placeOf(error?.instancePath)} ${error?.message ?? 'is wrong'}`,
  );
}

/** The path holds names of labels, and these any text: one line of it, and a short one. */
function placeOf(path = ''): string {
  return path.slice(0, 100).replace(/\p{Cc}/gu, '?') || 'it';
}

function versionOf(data: unknown): number | undefined {
  if (typeof data !== 'object' || data === null || !('v' in data)) return undefined;
  return typeof data.v === 'number' ? data.v : undefined;
}

/**
 * BullMQ's deduplication id: the same occurrence, sent again while one waits or runs, is absorbed.
 * An occurrence is one state of one alert of one group. Its alertname counts although Alertmanager's
 * fingerprint covers it: another sender may give several alerts one fingerprint.
 */
export function occurrenceOf(groupKey: string, alert: Alert): string {
  const { labels, fingerprint, startsAt, status } = alert;
  const { alertname = '' } = labels;
  return digest('occurrence/2', groupKey, alertname, fingerprint, startsAt, status);
}

/**
 * The remediation by which a person has a failed Job run again. There is one for each Job: BullMQ adds no
 * second one with its id, as long as it keeps the first. It keeps the one that created the Job no longer.
 */
export function rerunOf(
  created: Remediation,
  { of, press, at }: { readonly of: string; readonly press: string; readonly at: number },
): Remediation {
  const { v, receivedAt, group, alert } = created;
  return readRemediation({
    ...{ v, receivedAt, group, alert },
    id: rerunId(of),
    rerun: { of, press },
    // Its age counts from the press.
    retriedAt: at,
  });
}

const RERUN = 'rerun-';

/** @param uid of the Job that failed */
export const rerunId = (uid: string): string => RERUN + uid;

/** Whether a remediation is a rerun, by its id. */
export const isRerunId = (id: string): boolean => id.startsWith(RERUN);

/**
 * Stores a changed payload, unless the remediation is another attempt's by now: that one may have stored
 * something since.
 *
 * KEYS BullMQ's hash of the remediation, its lock; ARGV token of the lock, the payload. Returns 1 where it did.
 */
export const STORE_PAYLOAD = `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'data', ARGV[2])
return 1
`;

/** Ended remediations that BullMQ keeps, of those that failed and of the others. */
export const ENDED_COUNT = 10_000;

/**
 * BullMQ's options of every remediation.
 *
 * attempts: max-age decides when to give up, never a number of tries (BullMQ refuses Infinity).
 * stackTraceLimit: without it each attempt of one job leaves its stack in Redis, 93 KB after 106.
 * removeOn...: by count only, since BullMQ measures ages by the clock of one worker. See ended.ts.
 */
export const REMEDIATION_OPTIONS = {
  attempts: 1e9,
  backoff: { type: 'verdict' },
  stackTraceLimit: 1,
  removeOnComplete: { count: ENDED_COUNT },
  removeOnFail: { count: ENDED_COUNT },
} as const;

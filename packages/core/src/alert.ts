import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { type Instant, NEVER, parseInstant } from './instant.ts';
import { isObject } from './kubernetes.ts';

/** Names and values of labels or annotations. Read it with Object.entries: `__proto__` is a legal name. */
export type Texts = Readonly<Record<string, string>>;

export type AlertStatus = 'firing' | 'resolved';

/** One member of a notification, checked and complete. */
export interface Alert {
  readonly status: AlertStatus;
  /** Holds a non-empty `alertname`. */
  readonly labels: Texts;
  readonly annotations: Texts;
  readonly startsAt: Instant;
  /** NEVER while the alert fires. */
  readonly endsAt: Instant;
  readonly generatorURL: string;
  /** Given by the sender, else Alertmanager's own: 16 hex digits over the labels. */
  readonly fingerprint: string;
}

/**
 * The body of Alertmanager's webhook, version "4", and of Grafana's, version "1". Only what makes a
 * notification is checked here; each alert is judged alone by {@link readAlert}. Further fields pass.
 */
export const NotificationSchema = Type.Object(
  {
    version: Type.Union([Type.Literal('4'), Type.Literal('1')]),
    groupKey: Type.Optional(Type.String({ description: 'Identifies the group of alerts' })),
    status: Type.Optional(
      Type.String({ description: 'firing or resolved: for alerts that have none of their own' }),
    ),
    externalURL: Type.Optional(Type.String({ description: 'Where the sender can be reached' })),
    truncatedAlerts: Type.Optional(
      Type.Number({ description: 'How many alerts max_alerts of the sender cut off' }),
    ),
    alerts: Type.Array(Type.Unknown(), {
      minItems: 1,
      description: 'Each with labels (alertname among them), startsAt and, if it has one, status',
    }),
  },
  { description: "A notification of Alertmanager's webhook receiver" },
);

export type Notification = Static<typeof NotificationSchema>;

const notification = Compile(NotificationSchema);

/**
 * Reads a parsed body as a notification.
 *
 * @throws {NotANotification} naming the first field that is wrong
 */
export function readNotification(body: unknown): Notification {
  if (notification.Check(body)) return body;
  const error = notification.Errors(body)[0];
  const where = error?.instancePath ? `${error.instancePath.slice(1)} ` : '';
  throw new NotANotification(
    `not an Alertmanager notification: ${where}${whatIsWrong(body, error?.message)}`,
  );
}

export class NotANotification extends Error {}

function whatIsWrong(body: unknown, message: string | undefined): string {
  if (!isObject(body)) return 'the body is not a JSON object';
  const version = body['version'];
  if (version !== '4' && version !== '1') {
    return version === undefined
      ? 'has no version: expected "4" (Alertmanager) or "1" (Grafana)'
      : 'is not supported: expected "4" (Alertmanager) or "1" (Grafana)';
  }
  return message ?? 'is wrong';
}

/** Why an alert of a good notification was left out: the label `reason` of openfero_alerts_rejected_total. */
export const REJECTIONS = [
  'not-an-object',
  'labels-not-strings',
  'no-alertname',
  'annotations-not-strings',
  'unknown-status',
  'invalid-starts-at',
  'invalid-ends-at',
  'invalid-generator-url',
  'invalid-fingerprint',
] as const;
export type Rejection = (typeof REJECTIONS)[number];

/**
 * Reads one alert of a notification.
 *
 * The alert's own status counts; where it has none (hand-written ones) the group's does. A missing
 * `endsAt` has not ended, and `EndsAt` is read in its place.
 *
 * @param value what stands in `alerts`
 * @param groupStatus `status` of the notification
 * @returns the alert, or why it is none
 */
export function readAlert(value: unknown, groupStatus: string | undefined): Alert | Rejection {
  if (!isObject(value)) return 'not-an-object';
  const labels = value['labels'];
  if (!isTexts(labels)) return 'labels-not-strings';
  if (!labels['alertname']) return 'no-alertname';
  const annotations = value['annotations'] ?? {};
  if (!isTexts(annotations)) return 'annotations-not-strings';
  const status = value['status'] ?? groupStatus;
  if (status !== 'firing' && status !== 'resolved') return 'unknown-status';
  const rest = readRest(value, labels);
  return typeof rest === 'string' ? rest : { status, labels, annotations, ...rest };
}

function readRest(
  value: Record<string, unknown>,
  labels: Texts,
): Pick<Alert, 'startsAt' | 'endsAt' | 'generatorURL' | 'fingerprint'> | Rejection {
  const startsAt = readInstant(value['startsAt']);
  if (startsAt === undefined) return 'invalid-starts-at';
  const endsAt = readInstant(value['endsAt'] ?? value['EndsAt'] ?? NEVER);
  if (endsAt === undefined) return 'invalid-ends-at';
  const generatorURL = value['generatorURL'] ?? '';
  if (typeof generatorURL !== 'string') return 'invalid-generator-url';
  const fingerprint = value['fingerprint'] ?? '';
  if (typeof fingerprint !== 'string' || fingerprint.length > MAX_FINGERPRINT) {
    return 'invalid-fingerprint';
  }
  return { startsAt, endsAt, generatorURL, fingerprint: fingerprint || fingerprintOf(labels) };
}

/** Alertmanager's has 16 characters; another sender may use a longer digest. */
const MAX_FINGERPRINT = 128;

function readInstant(value: unknown): Instant | undefined {
  return typeof value === 'string' ? parseInstant(value) : undefined;
}

function isTexts(value: unknown): value is Texts {
  return isObject(value) && Object.values(value).every((text) => typeof text === 'string');
}

const FNV_OFFSET = 14695981039346656037n;
const FNV_PRIME = 1099511628211n;
const SEPARATOR = 0xff;

/**
 * Alertmanager's fingerprint of a label set: FNV-1a of 64 bits over the labels sorted by name, each
 * as name 0xFF value 0xFF, in 16 hex digits.
 *
 * Source: prometheus/common, model/signature.go (labelSetToFingerprint).
 */
export function fingerprintOf(labels: Texts): string {
  const encoder = new TextEncoder();
  const sorted = Object.entries(labels)
    .map(([name, value]) => [encoder.encode(name), encoder.encode(value)] as const)
    .sort(([a], [b]) => compareBytes(a, b));
  let hash = FNV_OFFSET;
  const add = (byte: number): void => {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
  };
  for (const texts of sorted) {
    for (const bytes of texts) {
      bytes.forEach(add);
      add(SEPARATOR);
    }
  }
  return hash.toString(16).padStart(16, '0');
}

/** Go sorts strings by their bytes; JavaScript's sort would go by UTF-16 units. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

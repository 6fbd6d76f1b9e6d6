import type { Instant } from './instant.ts';

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
  /** What the receiver cut or left out, because no Job can carry it: see render/carried.ts. */
  readonly truncated?: Truncated;
}

/** Names of labels and annotations: one that the alert still has was cut, any other was left out. */
export interface Truncated {
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
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

import type { End } from '@openfero/core/outcome';
import type { Remediation } from '@openfero/core/redis/remediation';
import type { Delivery } from '../../src/remediation/attempt.ts';
import { LockLost } from '../../src/remediation/verdict.ts';
import type { Send, Turn, Without, World } from './world.ts';

const LOCK_DURATION = 10_000;
const LOCK_TRUST = 5_000;

/** A remediation in the modelled queue: what BullMQ keeps of a job. */
export interface Entry {
  remediation: Remediation;
  /** The kept name of its Job. */
  job?: string;
  readonly occurrence: string;
  state: 'waiting' | 'active' | 'delayed' | 'ended';
  /** When a delayed one waits again. */
  due: number;
  /** The attempt that holds the lock, and until when. */
  lock: { readonly token: number; until: number } | undefined;
  attemptsMade: number;
  stalled: number;
  /** All ends that were recorded. There must be one. */
  readonly ends: End[];
}

export const entryOf = (remediation: Remediation, occurrence: string): Entry => ({
  remediation,
  occurrence,
  state: 'waiting',
  due: 0,
  lock: undefined,
  attemptsMade: 0,
  stalled: 0,
  ends: [],
});

/** Hands an entry to an attempt. */
export function take(entry: Entry, token: number, now: number): void {
  entry.state = 'active';
  entry.lock = { token, until: now + LOCK_DURATION };
}

/** Whether the attempt still has the lock: BullMQ lets it end or delay the job only then. */
export const owns = (entry: Entry, token: number, now: number): boolean =>
  entry.state === 'active' && entry.lock?.token === token && entry.lock.until > now;

/** BullMQ renews the locks of what is in hand. */
export function renew(entry: Entry, now: number): void {
  if (entry.lock !== undefined) entry.lock.until = now + LOCK_DURATION;
}

/** BullMQ's stalled check: a job whose lock has run out waits again. */
export function reclaim(entry: Entry, now: number): void {
  if (entry.state === 'delayed' && entry.due <= now) entry.state = 'waiting';
  if (entry.state !== 'active' || (entry.lock?.until ?? 0) > now) return;
  entry.state = 'waiting';
  entry.lock = undefined;
  entry.stalled++;
}

/** A delivery as consume.ts makes it of BullMQ's job, over the model's clock. */
export function deliveryOf(
  entry: Entry,
  token: number,
  world: World,
  {
    turn,
    send,
    without,
  }: { readonly turn: Turn; readonly send: Send; readonly without?: Without | undefined },
): Delivery {
  let confirmedAt = world.now;
  const again = entry.attemptsMade > 0 || entry.stalled > 0;
  const confirmLock = async (): Promise<void> => {
    await turn();
    if (without === 'lock check' || world.now - confirmedAt <= LOCK_TRUST) return;
    if (!owns(entry, token, world.now)) throw new LockLost();
    entry.lock = { token, until: world.now + LOCK_DURATION };
    confirmedAt = world.now;
  };
  return {
    remediation: entry.remediation,
    entry: { key: entry.remediation.id, token: String(token) },
    again: again && without !== 'own Job',
    lastError: undefined,
    confirmLock,
    // As delivery.ts: what lost its lock changes nothing that another one has, or has ended.
    save: (remediation) =>
      send(() => {
        if (!owns(entry, token, world.now) && without !== 'lock check') throw new LockLost();
        entry.remediation = remediation;
      }),
    freeOccurrence: turn,
  };
}

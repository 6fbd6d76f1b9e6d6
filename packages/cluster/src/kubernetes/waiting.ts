import { setTimeout as sleep } from 'node:timers/promises';

/** Waits that long, or until the signal aborts. Never throws. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/** Waits for a promise, but no longer than that. Leaves no timer behind. */
export async function waitAtMost(ms: number, promise: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  try {
    await Promise.race([promise, pause(ms, done.signal)]);
  } finally {
    done.abort();
  }
}

export interface Deadline {
  /** Milliseconds. */
  readonly limit: number;
  /** An abort ends the wait, too. */
  readonly signal?: AbortSignal;
}

/** @throws what `timeout` returns, where the promise is not settled by the deadline */
export async function withDeadline<T>(
  promise: Promise<T>,
  { limit, signal }: Deadline,
  timeout: () => Error,
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const fail = (): void => reject(timeout());
  const timer = setTimeout(fail, limit);
  signal?.addEventListener('abort', fail, { once: true });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', fail);
  }
}

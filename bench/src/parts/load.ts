import { setTimeout as sleep } from 'node:timers/promises';

/** One request of a load, by index. */
export type Request = (index: number) => Promise<void>;

/** Milliseconds of each request, in the order of their ends, and from first start to last end. */
export interface Load {
  readonly times: readonly number[];
  readonly elapsed: number;
}

/** `count` requests, always the same number of them in flight. */
export async function closedLoop(count: number, inFlight: number, send: Request): Promise<Load> {
  const times: number[] = [];
  const started = performance.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const since = performance.now();
      await send(next++);
      times.push(performance.now() - since);
    }
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, lane));
  return { times, elapsed: performance.now() - started };
}

/**
 * `count` requests at a steady rate, even if earlier ones are not answered yet. The time of a request
 * counts from the instant at which it was due, so that waiting for a slow server counts.
 *
 * @param rate per second
 */
export async function openLoop(count: number, rate: number, send: Request): Promise<Load> {
  const times: number[] = [];
  const under: Promise<void>[] = [];
  const started = performance.now();
  const one = async (index: number): Promise<void> => {
    await send(index);
    times.push(performance.now() - dueAt(index));
  };
  const dueAt = (index: number): number => started + (index * 1000) / rate;
  for (let index = 0; index < count; index++) {
    const wait = dueAt(index) - performance.now();
    // Timers have a resolution of a millisecond: requests that are due within it are sent together.
    if (wait > 0) await sleep(wait);
    under.push(one(index));
  }
  await Promise.all(under);
  return { times, elapsed: performance.now() - started };
}

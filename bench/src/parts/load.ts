import { setTimeout as sleep } from 'node:timers/promises';

/** One request of a load, by its number. */
export type Request = (index: number) => Promise<void>;

/** Milliseconds that each request took, in the order of their ends; and from first start to last end. */
export interface Load {
  readonly times: readonly number[];
  readonly elapsed: number;
}

/** So many requests, always the same number of them in flight. */
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
 * So many requests at a steady rate, whether or not the ones before are answered: what waits because
 * the other side is slow counts, from the instant at which it was due.
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
    // Timers are of a millisecond: below it the next ones are sent together.
    if (wait > 0) await sleep(wait);
    under.push(one(index));
  }
  await Promise.all(under);
  return { times, elapsed: performance.now() - started };
}

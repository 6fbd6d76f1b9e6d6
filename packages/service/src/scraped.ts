import { Counter, Gauge, type Registry } from 'prom-client';
import type { RedisConnection } from './redis.ts';

/** One value of a metric, with its labels. */
export type Sample<L extends string> = readonly [
  labels: Readonly<Record<L, string>>,
  value: number,
];

/** The values of a metric; of one without labels its only value. */
type Answer<L extends string> = number | readonly Sample<L>[] | undefined;

export interface ScrapedOptions<L extends string> {
  /** A counter where Redis counts: its value survives the process. */
  readonly type: 'gauge' | 'counter';
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly L[];
}

/**
 * Registers a metric that is read when it is scraped.
 *
 * @param read answers undefined, or throws, where the value is unknown. The metric is left out then: a stale
 *   number would look like a current one, and a counter at 0 like one that starts again
 */
export function registerScraped<L extends string = never>(
  registry: Registry,
  { type, name, help, labelNames = [] }: ScrapedOptions<L>,
  read: () => Answer<L> | Promise<Answer<L>>,
): void {
  const collect = async (): Promise<void> => {
    const answer = await answerOf(read);
    // After the last await: two scrapes may run at once.
    metric.reset();
    // Without labels, a reset leaves 0.
    if (labelNames.length === 0) metric.remove();
    if (typeof answer === 'number') metric.inc(answer);
    else for (const [labels, value] of answer ?? []) metric.inc(labels, value);
  };
  const config = { name, help, labelNames: [...labelNames], registers: [registry], collect };
  const metric = type === 'counter' ? new Counter<L>(config) : new Gauge<L>(config);
}

async function answerOf<T>(read: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch {
    return undefined;
  }
}

/**
 * Asks Redis for a scrape, which must neither fail nor wait while Redis is unreachable: that is when it is
 * needed. Before its client is first ready, BullMQ's Queue answers nothing at all.
 *
 * @param redis with a time limit per command
 * @returns undefined while the connection is not open. @throws the errors of the question
 */
export async function whileReady<T>(
  redis: RedisConnection,
  question: () => Promise<T>,
): Promise<T | undefined> {
  return redis.status === 'ready' ? question() : undefined;
}

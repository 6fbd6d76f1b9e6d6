import { askedKey, readQuestion } from '@openfero/core/redis/approvals';
import { readTime } from '@openfero/core/redis/memory';
import type { RedisConnection } from '@openfero/service/redis';
import { registerScraped, whileReady } from '@openfero/service/scraped';
import type { Registry } from 'prom-client';

/** Registers how many Jobs wait for a person, and for how long. */
export function registerApprovalMetrics(
  metrics: Registry,
  { redis, prefix }: { readonly redis: RedisConnection; readonly prefix: string },
): void {
  registerScraped(
    metrics,
    {
      type: 'gauge',
      name: 'openfero_approvals_waiting',
      help: 'Jobs that are suspended and wait for a person. The same in every worker.',
    },
    () => whileReady(redis, () => redis.hlen(askedKey(prefix))),
  );
  registerScraped(
    metrics,
    {
      type: 'gauge',
      name: 'openfero_approvals_oldest_seconds',
      help: 'For how long the oldest of them waits; 0 if there is none. The same in every worker.',
    },
    () =>
      whileReady(redis, async () => {
        const questions = Object.values(await redis.hgetall(askedKey(prefix))).map(readQuestion);
        const asked = questions.map((question) => question?.at).filter((at) => at !== undefined);
        if (asked.length === 0) return 0;
        return Math.max(0, readTime(await redis.time()) - Math.min(...asked)) / 1000;
      }),
  );
}

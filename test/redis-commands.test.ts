import assert from 'node:assert/strict';
import { it } from 'node:test';
import { historyKey } from '@openfero/core/redis/history';
import { DEFAULT_PREFIX } from '@openfero/core/redis/keys';
import { definition } from '@openfero/testkit/operarii';
import { until } from '@openfero/testkit/until';
import { Redis } from 'ioredis';
import { notificationOf, startSystem } from './system.ts';

const ALL_OFF = {
  OPENFERO_MAX_ACTIVE_JOBS: '0',
  OPENFERO_MAX_ACTIVE_PER_OPERARIUS: '0',
  OPENFERO_EFFECT_WITHIN: 'off',
  OPENFERO_STOP_AFTER: '0',
  OPENFERO_MAX_REPEATS: 'none',
};

const ALERTS = 15;

/**
 * Commands of Redis for one remediation, with those in scripts, from the notification to the end of its Job:
 * as many as are measured. What is added here is added to each remediation.
 */
const MOST = 102;

it('a remediation needs no more commands of Redis than it did, with all off that can be', async (t) => {
  const system = await startSystem(t);
  await system.define('disk.yaml', definition('Disk'));
  await Promise.all([system.startReceiver(), system.startWorker(ALL_OFF)]);
  await Promise.all([...system.receivers, ...system.workers].map((one) => one.ready()));
  const redis = new Redis(system.redis.url, { maxRetriesPerRequest: 1 });
  redis.on('error', () => {});
  t.after(async () => redis.disconnect());
  let own = 0;
  const othersTotal = async (): Promise<number> =>
    Number(/^total_commands_processed:(\d+)/m.exec(await redis.info('stats'))?.[1]) - own++;
  /** Waits until Redis has got nothing for as long as a look takes. */
  const settled = async (): Promise<number> => {
    let total = Number.NaN;
    await until('nothing more happens', async () => {
      const before = total;
      total = await othersTotal();
      return total === before;
    });
    return total;
  };
  const historyLength = async (): Promise<number> => {
    own++;
    return redis.xlen(historyKey(DEFAULT_PREFIX));
  };

  const needed: number[] = [];
  for (let alert = 1; alert <= ALERTS; alert++) {
    const [before, length] = [await settled(), await historyLength()];
    await system.post(notificationOf([{ alertname: 'Disk', node: `${alert}` }]));
    await system.ended(alert);
    await until('its end is in the history', async () => (await historyLength()) > length);
    needed.push((await settled()) - before);
  }
  // What runs every few seconds is in some of them.
  const median = needed.toSorted((a, b) => a - b)[Math.floor(ALERTS / 2)] ?? Number.NaN;
  assert.ok(median <= MOST, String(needed));
});

import type { Alert } from '@openfero/core/alert';
import { targetOf } from '@openfero/core/identity/target';
import type { Operarius } from '@openfero/core/operarius';
import { runKeys } from '@openfero/core/redis/limits';
import { jobOf, placesKey, placesOfKey } from '@openfero/core/redis/places';
import { readHolder, targetsKey } from '@openfero/core/redis/targets';
import type { OpenRedis } from '../redis.ts';
import type { Known } from './decide-alerts.ts';

/** What counts for the limits, of the operarii that are asked about and of all. */
interface LimitReader {
  read(operarius: Operarius, alert: Alert): Promise<void>;
  known(): Pick<Known, 'counts' | 'holderOf'>;
}

/** Where what counts over all is kept: no ConfigMap has this name. */
const ALL = '';

export function createLimitReader({ redis, prefix }: OpenRedis): LimitReader {
  const unfinished = new Map<string, number>();
  const starts = new Map<string, readonly number[]>();
  const holders = new Map<string, string>();
  let now = 0;
  const startsIn = async (key: string): Promise<number[]> => {
    const flat = await redis.zrange(key, '0', '-1', 'WITHSCORES');
    return flat.filter((_, index) => index % 2 === 1).map(Number);
  };
  return {
    async read(operarius, alert) {
      const { name, policy } = operarius;
      const [ofAll = '', ofOne = ''] = runKeys(prefix, name);
      now = Number((await redis.time())[0]) * 1000;
      unfinished.set(ALL, await redis.zcount(placesKey(prefix), 0, '+inf'));
      unfinished.set(name, await redis.zcard(placesOfKey(prefix, name)));
      starts.set(ALL, await startsIn(ofAll));
      starts.set(name, await startsIn(ofOne));
      const target = targetOf(alert, policy)?.digest;
      if (target === undefined) return;
      const holder = readHolder(await redis.hmget(targetsKey(prefix), 'known', target));
      if (holder.kind === 'place') holders.set(target, jobOf(holder.place));
    },
    known: () => ({
      counts: {
        unfinished: (operarius = ALL) => unfinished.get(operarius) ?? 0,
        started: (within, operarius = ALL) =>
          (starts.get(operarius) ?? []).filter((at) => at > now - within).length,
      },
      holderOf: (target) => holders.get(target),
    }),
  };
}

import type { Logger } from '@openfero/service/log';
import type { Redis } from 'ioredis';
import { MEMORY_INTERVAL_MS, MEMORY_LIMIT } from './limits.ts';

/** Watches how full Redis is. */
export interface MemoryWatch {
  /** Why nothing may be added, or undefined. */
  full(): string | undefined;
  stop(): void;
}

interface Sample {
  /** Bytes. */
  readonly used: number;
  /** Bytes; 0 is no limit. */
  readonly max: number;
  readonly policy: string;
}

/** Asks Redis on a timer, so that no notification waits for it. */
export function watchMemory(redis: Redis, log: Logger): MemoryWatch {
  let sample: Sample | undefined;
  const take = async (): Promise<void> => {
    if (redis.status !== 'ready') return;
    try {
      const next = readInfo(await redis.info('memory'));
      if (next.policy !== sample?.policy) warnOfPolicy(next.policy, log);
      sample = next;
    } catch (error) {
      log.debug({ err: error }, 'could not ask Redis for its memory');
    }
  };
  const onReady = (): void => void take();
  redis.on('ready', onReady);
  const timer = setInterval(onReady, MEMORY_INTERVAL_MS);
  timer.unref();
  return {
    full: () => sample && describe(sample),
    stop() {
      clearInterval(timer);
      redis.off('ready', onReady);
    },
  };
}

function describe({ used, max }: Sample): string | undefined {
  if (max === 0 || used <= max * MEMORY_LIMIT) return undefined;
  const percent = Math.round((used / max) * 100);
  return `Redis is full (${percent} % of maxmemory, the limit is ${MEMORY_LIMIT * 100} %): look whether the workers drain the queue, or raise maxmemory`;
}

function readInfo(info: string): Sample {
  const field = (name: string): string =>
    new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? '';
  return {
    used: Number(field('used_memory')),
    max: Number(field('maxmemory')),
    policy: field('maxmemory_policy'),
  };
}

function warnOfPolicy(policy: string, log: Logger): void {
  if (policy === 'noeviction' || policy === '') return;
  log.warn({ policy }, 'Redis may evict remediations: set its maxmemory-policy to noeviction');
}

import { isLasting } from '@openfero/core/decisions/stopped';
import { readTime } from '@openfero/core/redis/memory';
import { END_STOP, endStopArguments } from '@openfero/core/redis/rearm';
import { readStopped, stoppedKey } from '@openfero/core/redis/stopped';
import type { RedisConnection } from '@openfero/service/redis';
import { script } from '@openfero/service/script';
import type { Answer } from './answer.ts';

export interface RearmOptions {
  readonly redis: RedisConnection;
  readonly prefix: string;
}

/** Has a stopped operarius run again at once. A worker tells it: its Event, its log line, the history. */
export function createRearm({
  redis,
  prefix,
}: RearmOptions): (operarius: string, user: string) => Promise<Answer> {
  const endStop = script(redis, END_STOP);
  return async (operarius, user) => {
    const state = await redis.hget(stoppedKey(prefix), operarius);
    const stopped = readStopped(state);
    const now = readTime(await redis.time());
    if (state === null || stopped === undefined || !isLasting(stopped, now)) return NOT_STOPPED;
    const ended = { ...stopped, until: now, by: user };
    const { keys, args } = endStopArguments(prefix, { operarius, state }, ended);
    return (await endStop(keys, args)) === 1 ? { code: 204, changed: 1 } : NOT_STOPPED;
  };
}

const NOT_STOPPED: Answer = {
  code: 409,
  changed: 0,
  body: { error: 'the operarius is not stopped: somebody has re-armed it, or its time was over' },
};

import type { Fold } from '@openfero/core/history/fold';
import { MODES } from '@openfero/core/operarius/policy';
import { askedKey } from '@openfero/core/redis/approvals';
import { type Check, checksKey, readCheck } from '@openfero/core/redis/checks';
import {
  lastNotificationKey,
  OPERARIUS_STALE_AFTER,
  operariiKey,
  type PublishedOperarius,
  type PublishedWorker,
  readLastNotification,
  readPublishedOperarius,
  readPublishedWorker,
  WORKER_STALE_AFTER,
  workersKey,
} from '@openfero/core/redis/published';
import type { RedisConnection } from '@openfero/service/redis';
import type { Standing } from './standing.ts';

/** What is known now of one operarius. */
export interface KnownOperarius {
  readonly name: string;
  /** Undefined where only its check is known, or nothing. */
  readonly published: PublishedOperarius | undefined;
  /** Nobody has said for a while that this still holds. */
  readonly isStale: boolean;
  /** Why it cannot run; undefined where it can, as far as is known. */
  readonly problem: string | undefined;
}

/** Reads what the workers found out about each operarius, by name. */
export async function readOperarii(
  redis: RedisConnection,
  prefix: string,
  now: number,
): Promise<ReadonlyMap<string, KnownOperarius>> {
  const [published, checks] = await Promise.all([
    redis.hgetall(operariiKey(prefix)),
    redis.hgetall(checksKey(prefix)),
  ]);
  const names = [...new Set([...Object.keys(published), ...Object.keys(checks)])].sort();
  return new Map(
    names.map((name) => [
      name,
      known(name, readPublishedOperarius(published[name]), readCheck(checks[name]), now),
    ]),
  );
}

function known(
  name: string,
  published: PublishedOperarius | undefined,
  check: Check | undefined,
  now: number,
): KnownOperarius {
  const isStale = published !== undefined && now - published.at > OPERARIUS_STALE_AFTER;
  return { name, published, isStale, problem: (published ?? check)?.problem };
}

/** Reads whether OpenFero works: one round trip. */
export async function readStanding(
  redis: RedisConnection,
  prefix: string,
  { modes }: Pick<Fold, 'modes'>,
  now: number,
): Promise<Standing> {
  const [workers, notification, questions] = await Promise.all([
    redis.hgetall(workersKey(prefix)),
    redis.get(lastNotificationKey(prefix)),
    redis.hlen(askedKey(prefix)),
  ]);
  const all = Object.values(workers)
    .map(readPublishedWorker)
    .filter((worker) => worker !== undefined);
  const alive = all.filter(({ at }) => now - at <= WORKER_STALE_AFTER);
  const [change] = modes;
  const position =
    strictestOf(alive) ?? (change && { mode: change.to, source: change.source, since: undefined });
  return {
    mode: position && {
      mode: position.mode,
      source: position.source,
      since: position.since ?? (change?.to === position.mode ? change.at : undefined),
    },
    workers: alive.length,
    notificationAt: readLastNotification(notification),
    watchAge:
      alive.length === 0
        ? undefined
        : Math.max(...alive.map(({ watchAge, at }) => watchAge + now - at)),
    questions,
    namespace: all[0]?.namespace,
    jobNamespace: all[0]?.jobNamespace,
  };
}

/** Workers look at the switch at different moments: the one that stops most is told. */
function strictestOf(
  workers: readonly PublishedWorker[],
): Pick<PublishedWorker, 'mode' | 'source' | 'since'> | undefined {
  return [...workers].sort((a, b) => MODES.indexOf(b.mode) - MODES.indexOf(a.mode))[0];
}

import { isLasting } from '@openfero/core/decisions/stopped';
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
import { readStopped, type Stopped, stoppedKey } from '@openfero/core/redis/stopped';
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
  /** Undefined where it is not stopped, or no longer. */
  readonly stopped: Stopped | undefined;
}

/** Reads what the workers found out about each operarius, by name. */
export async function readOperarii(
  redis: RedisConnection,
  prefix: string,
  now: number,
): Promise<ReadonlyMap<string, KnownOperarius>> {
  const [published, checks, stopped] = await Promise.all([
    redis.hgetall(operariiKey(prefix)),
    redis.hgetall(checksKey(prefix)),
    readStops(redis, prefix, now),
  ]);
  const known = [...Object.keys(published), ...Object.keys(checks), ...stopped.keys()];
  const names = [...new Set(known)].sort();
  const all = names.map((name) => {
    const said = readPublishedOperarius(published[name]);
    const check = readCheck(checks[name]);
    const isOperarius = published[name] !== undefined || !isOther(check);
    return isOperarius && knownOf(name, said, check, { stopped: stopped.get(name), now });
  });
  return new Map(all.filter((each) => each !== false).map((each) => [each.name, each]));
}

/** A ConfigMap that happens to be named like an operarius, and is none: workers do not publish it either. */
const isOther = (check: Check | undefined): boolean =>
  check?.unlabelled === true && check.problem === undefined;

/** Reads the operarii that are stopped now. */
async function readStops(
  redis: RedisConnection,
  prefix: string,
  now: number,
): Promise<ReadonlyMap<string, Stopped>> {
  const fields = Object.entries(await redis.hgetall(stoppedKey(prefix)));
  const stops = new Map<string, Stopped>();
  for (const [name, text] of fields) {
    const stopped = readStopped(text);
    if (stopped !== undefined && isLasting(stopped, now)) stops.set(name, stopped);
  }
  return stops;
}

function knownOf(
  name: string,
  published: PublishedOperarius | undefined,
  check: Check | undefined,
  { stopped, now }: { readonly stopped: Stopped | undefined; readonly now: number },
): KnownOperarius {
  const isStale = published !== undefined && now - published.at > OPERARIUS_STALE_AFTER;
  return { name, published, isStale, problem: (published ?? check)?.problem, stopped };
}

/** Reads whether OpenFero works: one round trip. */
export async function readStanding(
  redis: RedisConnection,
  prefix: string,
  { changes }: Pick<Fold, 'changes'>,
  now: number,
): Promise<Standing> {
  const [workers, notification, questions, stops] = await Promise.all([
    redis.hgetall(workersKey(prefix)),
    redis.get(lastNotificationKey(prefix)),
    redis.hlen(askedKey(prefix)),
    readStops(redis, prefix, now),
  ]);
  const all = Object.values(workers)
    .map(readPublishedWorker)
    .filter((worker) => worker !== undefined);
  const alive = all.filter(({ at }) => now - at <= WORKER_STALE_AFTER);
  const [change] = changes.modes;
  const position =
    strictestOf(alive) ?? (change && { mode: change.to, source: change.source, since: undefined });
  return {
    mode: position && {
      mode: position.mode,
      source: position.source,
      since: position.since ?? (change?.to === position.mode ? change.at : undefined),
    },
    workers: alive.length,
    stopped: stops.size,
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

import { alertOfJob, isAlertmanagers } from '@openfero/core/decisions/alertmanager-question';
import { stoppedKey } from '@openfero/core/redis/verdicts';
import type { RedisConnection } from '@openfero/service/redis';
import type { Alertmanagers } from '../alertmanager/ask.ts';
import type { RaisedField } from './fields.ts';

/** Knows what needs not be raised any longer. */
export interface Over {
  readonly redis: RedisConnection;
  readonly prefix: string;
  readonly alertmanagers: Pick<Alertmanagers, 'standingOf'>;
}

/** Finds alerts that have gone, and operarii that run again. @returns the fields of what was raised for them */
export async function findOver(
  raised: readonly RaisedField[],
  over: Over,
): Promise<ReadonlySet<string>> {
  return new Set([...(await findRunning(raised, over)), ...(await findGone(raised, over))]);
}

async function findRunning(
  raised: readonly RaisedField[],
  { redis, prefix }: Over,
): Promise<string[]> {
  const stops = raised.filter((one) => one.raised.kind === 'stopped');
  if (stops.length === 0) return [];
  const stopped = await redis.hgetall(stoppedKey(prefix));
  return stops
    .filter((one) => !Object.hasOwn(stopped, one.raised.operarius))
    .map(({ field }) => field);
}

async function findGone(
  raised: readonly RaisedField[],
  { alertmanagers }: Over,
): Promise<string[]> {
  const gone: string[] = [];
  for (const { field, raised: one } of raised) {
    if (one.about === undefined || !isAlertmanagers(one.about.fingerprint)) continue;
    // One after the other: what is about to create a Job must not wait behind a thousand questions.
    const { kind } = await alertmanagers.standingOf(alertOfJob(one.about));
    if (kind === 'absent') gone.push(field);
    // The others would not be known either: they are posted, rather than waited for.
    if (kind === 'unknown') break;
  }
  return gone;
}

import { alertOfJob, isAlertmanagers } from '@openfero/core/decisions/alertmanager-question';
import { askedKey } from '@openfero/core/redis/approvals';
import { stoppedKey } from '@openfero/core/redis/stopped';
import type { RedisConnection } from '@openfero/service/redis';
import type { Alertmanagers } from '../alertmanager/ask.ts';
import type { RaisedField } from './fields.ts';

/** Knows what needs not be raised any longer. */
export interface Over {
  readonly redis: RedisConnection;
  readonly prefix: string;
  readonly alertmanagers: Pick<Alertmanagers, 'standingOf'>;
}

/** Finds alerts that have gone, operarii that run again, and questions that are decided. @returns the fields of what was raised for them */
export async function findOver(
  raised: readonly RaisedField[],
  over: Over,
): Promise<ReadonlySet<string>> {
  return new Set([
    ...(await findWithout('stopped', raised, over)),
    ...(await findWithout('approval-needed', raised, over)),
    ...(await findGone(raised, over)),
  ]);
}

/** What lasts as long as its field of another hash: a stop by its operarius, a question by the uid of its Job. */
async function findWithout(
  kind: 'stopped' | 'approval-needed',
  raised: readonly RaisedField[],
  { redis, prefix }: Over,
): Promise<string[]> {
  const those = raised.filter((one) => one.raised.kind === kind);
  if (those.length === 0) return [];
  const standing = await redis.hgetall((kind === 'stopped' ? stoppedKey : askedKey)(prefix));
  return those
    .filter(({ raised: { operarius, uid } }) => !Object.hasOwn(standing, uid ?? operarius))
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

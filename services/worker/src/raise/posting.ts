import { readTime } from '@openfero/core/redis/memory';
import { type Raised, raiseAllTickKey, raiseTickKey } from '@openfero/core/redis/raised';
import type { Logger } from '@openfero/service/log';
import type { RedisWatch } from '@openfero/service/redis-watch';
import type { Alertmanagers } from '../alertmanager/ask.ts';
import type { PostedAlert } from '../alertmanager/post.ts';
import { startLooking } from '../redis/looking.ts';
import { createRaisedFields, type RaisedField } from './fields.ts';
import { findOver, type Over } from './over.ts';

interface PostingOptions extends Over {
  readonly alertmanagers: Pick<Alertmanagers, 'standingOf' | 'post'>;
  readonly watch: Pick<RedisWatch, 'note'>;
  readonly log: Logger;
}

/** Milliseconds. Tests pass shorter ones. */
export interface PostingTimes {
  /** Between two looks of all workers together. */
  readonly look: number;
  /** Between two posts of all that is raised: an Alertmanager that restarts has lost it. Under a minute. */
  readonly all: number;
}

const TIMES: PostingTimes = { look: 10_000, all: 45_000 };

/**
 * Milliseconds for which Alertmanager keeps an alert that it hears of no more, such as when all workers are
 * away: some posts of all, as Prometheus does it. For as long as this an ended one is posted as such.
 */
const KEPT_FOR = 300_000;

/**
 * Posts what is raised to every Alertmanager, by one of the workers at a time: what is new at each look, and
 * all once a minute. The same alert posted again is the same alert: nobody is notified twice.
 *
 * @returns what stops it
 */
export function startPosting(options: PostingOptions, times = TIMES): () => void {
  const { redis, watch, log } = options;
  const look = createLook(options, times);
  const failed = (error: unknown): void => {
    if (!watch.note(error))
      log.warn({ err: error }, 'raised alerts were not looked at, will be retried');
  };
  return startLooking(redis, { look, failed, interval: times.look });
}

function createLook(options: PostingOptions, times: PostingTimes): () => Promise<void> {
  const { redis, prefix, alertmanagers, log } = options;
  const fields = createRaisedFields(redis, prefix);
  /** Whether this worker is the one to do it now. */
  const isOurs = async (tick: string, ms: number): Promise<boolean> =>
    (await redis.set(tick, '1', 'PX', ms, 'NX')) !== null;
  const post = async (all: readonly Raised[], now: number): Promise<void> => {
    const problems = await alertmanagers.post(all.map((one) => asPosted(one, now)));
    for (const { url, problem } of problems) {
      log.warn({ alertmanager: url, problem }, 'raised alerts were not posted, will be retried');
    }
  };
  const look = async (all: readonly RaisedField[], isAll: boolean): Promise<void> => {
    const now = readTime(await redis.time());
    // Another worker may have looked last, and some time ago.
    const due = all.filter(({ raised: { at } }) => isAll || at > now - 3 * times.look);
    const over = await findOver(due.filter(isActive(now)), options);
    const posted = due.map(async (one) =>
      over.has(one.field) ? fields.end(one, now) : one.raised,
    );
    await post(await Promise.all(posted), now);
    const isKept = isActive(now - KEPT_FOR);
    await Promise.all(all.filter((one) => !isKept(one)).map(fields.remove));
  };
  return async () => {
    if (!(await isOurs(raiseTickKey(prefix), Math.round(0.9 * times.look)))) return;
    const all = await fields.read();
    if (all.length > 0) await look(all, await isOurs(raiseAllTickKey(prefix), times.all));
  };
}

const isActive =
  (at: number) =>
  ({ raised }: RaisedField): boolean =>
    raised.until > at;

function asPosted({ labels, annotations, url, startsAt, until }: Raised, now: number): PostedAlert {
  return {
    ...{ labels, annotations },
    startsAt: new Date(startsAt).toISOString(),
    endsAt: new Date(Math.min(until, now + KEPT_FOR)).toISOString(),
    ...(url !== undefined && { generatorURL: url }),
  };
}

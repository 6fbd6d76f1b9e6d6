import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '@openfero/testkit/random';
import { type Behaviour, type Group, groupOf, type Sent, toldAgain } from './group.ts';
import type { Source } from './source.ts';

/** A notification that was answered with 200: each of its alerts must reach an end. */
export interface Acknowledged {
  readonly alerts: readonly Sent[];
  /** Milliseconds since 1970, of the request and of its answer. */
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly queued: number;
}

export interface Sender {
  readonly acknowledged: readonly Acknowledged[];
  /** Every alert sent, acknowledged or not, with the time of each request. */
  readonly tries: readonly { readonly alerts: readonly Sent[]; readonly at: number }[];
  /** Answers other than 200, and `no answer`, by count. */
  readonly refusals: ReadonlyMap<string, number>;
  /** Stops changing alerts, and returns when all are acknowledged. */
  finish(): Promise<void>;
  /** Sends the firing alerts again, as after a repeat_interval. */
  repeat(): Promise<void>;
}

/** A group of alerts, and what they do. */
export interface SentGroup extends Behaviour {
  readonly alertname: string;
  readonly toldTwice: boolean;
}

export interface SenderOptions {
  readonly random: Random;
  readonly groups: readonly SentGroup[];
  /** Addresses of receivers; each request goes to a random one. */
  readonly urls: readonly string[];
  /** Hears of alerts before the receivers do. */
  readonly source: Pick<Source, 'tell'>;
}

/** Milliseconds: group_interval, shorter than an outage. */
const GROUP_INTERVAL = 4000;

/** Milliseconds to retry a flush; then the group is flushed with its current alerts. */
const RETRY_LIMIT = 10_000;

/** Milliseconds between two requests: first and longest wait. */
const BACKOFF = { first: 100, longest: 2000 };

/** Milliseconds for one request. */
const TRY_LIMIT = 5000;

/**
 * Sends as Alertmanager does: by group, one flush at a time, with all firing and the newly resolved
 * alerts. Retries network errors and 5xx with backoff until the flush is acknowledged or outdated.
 *
 * Source: prometheus/alertmanager, dispatch/dispatch.go and notify/notify.go (RetryStage).
 */
export function startSender({ random, groups, urls, source }: SenderOptions): Sender {
  const acknowledged: Acknowledged[] = [];
  const tries: { alerts: readonly Sent[]; at: number }[] = [];
  const refusals = new Map<string, number>();
  const all = groups.map(({ alertname, toldTwice, ...behaviour }, i) => {
    const group = groupOf(alertname, i, behaviour, random);
    return toldTwice ? [group, toldAgain(group)] : [group];
  });
  let finishing = false;

  const tryOnce = async (group: Group, alerts: readonly Sent[]): Promise<Answer> => {
    await source.tell(alerts);
    const at = Date.now();
    tries.push({ alerts, at });
    const answer = await post(random.pick(urls) ?? '', group.notification(alerts));
    if (answer.code === 200) {
      acknowledged.push({ alerts, sentAt: at, answeredAt: Date.now(), queued: answer.queued });
    } else {
      const why = String(answer.code ?? 'no answer');
      refusals.set(why, (refusals.get(why) ?? 0) + 1);
    }
    return answer;
  };
  /** @returns whether it was acknowledged in time */
  const send = async (group: Group, alerts: readonly Sent[]): Promise<boolean> => {
    const limit = Date.now() + RETRY_LIMIT;
    for (let wait = BACKOFF.first; finishing || Date.now() < limit; wait = longer(wait)) {
      const { code = 503 } = await tryOnce(group, alerts);
      // After a 4xx the next flush sends the alerts again.
      if (code < 500 && !finishing) return code === 200;
      if (code === 200) return true;
      await sleep(wait * (0.5 + random.next()));
    }
    return false;
  };
  const flush = async (group: Group): Promise<void> => {
    const alerts = group.alerts();
    if (alerts.length > 0 && (await send(group, alerts))) group.notified(alerts);
  };
  /** @param told the groups of all sources that tell of the same alerts: at once, which is worst */
  const keep = async (told: readonly Group[]): Promise<void> => {
    await sleep(random.below(GROUP_INTERVAL));
    while (!finishing) {
      for (const group of told) group.change();
      await Promise.all(told.map(flush));
      await sleep(GROUP_INTERVAL * (0.75 + random.next() / 2));
    }
    await Promise.all(told.map(flush));
  };
  const kept = Promise.all(all.map(keep));
  return {
    acknowledged,
    tries,
    refusals,
    async finish() {
      finishing = true;
      await kept;
    },
    async repeat() {
      await Promise.all(all.flat().map(flush));
    },
  };
}

const longer = (wait: number): number => Math.min(2 * wait, BACKOFF.longest);

interface Answer {
  /** Undefined if there was no answer. */
  readonly code?: number;
  readonly queued: number;
}

async function post(url: string, body: string): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(TRY_LIMIT);
  try {
    const response = await fetch(`${url}/alerts`, { method: 'POST', headers, body, signal });
    const answer: unknown = await response.json();
    const hasCount = typeof answer === 'object' && answer !== null && 'queued' in answer;
    return { code: response.status, queued: hasCount ? Number(answer.queued) : 0 };
  } catch {
    return { queued: 0 };
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '@openfero/testkit/random';
import { type Group, groupOf, type Sent } from './group.ts';

/** One notification that was answered 200: the promise that all of it will come to an end. */
export interface Acknowledged {
  readonly alerts: readonly Sent[];
  /** Milliseconds since 1970: of the try that was answered, and of the answer. */
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly queued: number;
}

export interface Sender {
  readonly acknowledged: readonly Acknowledged[];
  /** Every alert that was ever sent, acknowledged or not, with the time of each try. */
  readonly tries: readonly { readonly alerts: readonly Sent[]; readonly at: number }[];
  /** Answers other than 200, and `error` where none came. */
  readonly refusals: ReadonlyMap<string, number>;
  /** Changes nothing any more, and returns when all is acknowledged. */
  finish(): Promise<void>;
  /** Sends what fires once more, as after a repeat_interval. */
  repeat(): Promise<void>;
}

export interface SenderOptions {
  readonly random: Random;
  /** Alertnames, one per group. */
  readonly groups: readonly string[];
  /** Addresses of receivers, one of which is taken for each try. */
  readonly urls: readonly string[];
}

/** Milliseconds: group_interval, scaled so that an outage is longer than it. */
const GROUP_INTERVAL = 4000;

/** Milliseconds for which a flush is tried: then the group is looked at anew. */
const RETRY_LIMIT = 10_000;

/** Milliseconds between two tries: the first wait, and the longest. */
const BACKOFF = { first: 100, longest: 2000 };

/** Milliseconds for one try. */
const TRY_LIMIT = 5000;

/**
 * Sends as Alertmanager does: by groups, one flush at a time of each, all that fires and what has
 * resolved since; network errors and 5xx again with backoff, until acknowledged or out of date.
 *
 * Source: prometheus/alertmanager, dispatch/dispatch.go and notify/notify.go (RetryStage).
 */
export function startSender({ random, groups, urls }: SenderOptions): Sender {
  const acknowledged: Acknowledged[] = [];
  const tries: { alerts: readonly Sent[]; at: number }[] = [];
  const refusals = new Map<string, number>();
  const all = groups.map((alertname, i) => groupOf(alertname, i, random));
  let finishing = false;

  const tryOnce = async (group: Group, alerts: readonly Sent[]): Promise<Answer> => {
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
  /** @returns whether it was acknowledged before the group had to be looked at anew */
  const send = async (group: Group, alerts: readonly Sent[]): Promise<boolean> => {
    const limit = Date.now() + RETRY_LIMIT;
    for (let wait = BACKOFF.first; finishing || Date.now() < limit; wait = longer(wait)) {
      const { code = 503 } = await tryOnce(group, alerts);
      // What a 4xx refuses is left to the next flush, in the run's last one too.
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
  const keep = async (group: Group): Promise<void> => {
    await sleep(random.below(GROUP_INTERVAL));
    while (!finishing) {
      group.change();
      await flush(group);
      await sleep(GROUP_INTERVAL * (0.75 + random.next() / 2));
    }
    await flush(group);
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
      await Promise.all(all.map(flush));
    },
  };
}

const longer = (wait: number): number => Math.min(2 * wait, BACKOFF.longest);

interface Answer {
  /** Undefined where none came. */
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

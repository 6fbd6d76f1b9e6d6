import { setTimeout as sleep } from 'node:timers/promises';
import type { Alertmanager } from '@openfero/testkit/alertmanager';
import type { Sent } from './group.ts';

/** Milliseconds between two posts of all: a restarted Alertmanager has forgotten them. */
const EVERY = 1000;

/** Posts to Alertmanager what the receivers are told of, before they are: what they know, it knows. */
export interface Source {
  /** Never throws: Alertmanager may be down, and hears of it later. */
  tell(alerts: readonly Sent[]): Promise<void>;
  stop(): Promise<void>;
}

export function startSource(alertmanager: Alertmanager): Source {
  const stopping = new AbortController();
  /** By fingerprint: those that fire, and those that have resolved and that it does not know of yet. */
  const known = new Map<string, Sent>();
  const post = async (alerts: readonly Sent[]): Promise<void> => {
    try {
      await alertmanager.post(alerts.map(asPosted));
    } catch {
      return;
    }
    for (const alert of alerts) {
      const isKnown = known.get(alert.fingerprint) === alert;
      if (alert.status === 'resolved' && isKnown) known.delete(alert.fingerprint);
    }
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await post([...known.values()]);
      await sleep(EVERY, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    async tell(alerts) {
      for (const alert of alerts) known.set(alert.fingerprint, alert);
      await post(alerts);
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

const asPosted = ({ labels, status, startsAt, endsAt }: Sent) => ({
  ...{ labels, startsAt },
  ...(status === 'resolved' && { endsAt }),
});

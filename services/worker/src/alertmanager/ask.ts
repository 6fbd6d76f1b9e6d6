import {
  conclude,
  concludeAbsent,
  type JointAnswer,
  type PeerAnswer,
  readStandings,
  readUptime,
  type Standings,
  type Uptime,
  YOUNG,
} from '@openfero/core/decisions/alertmanager-answer';
import { type AskedAlert, filtersFor } from '@openfero/core/decisions/alertmanager-question';
import { messageOf } from '@openfero/core/errors';
import type { Logger } from '@openfero/service/log';
import type { AlertmanagerCounts } from '../metrics/alertmanager.ts';
import { type AlertmanagerClient, createAlertmanagerClient, NoAnswer } from './client.ts';
import { createLane } from './lane.ts';
import { type PostedAlert, postToAll } from './post.ts';
import type { AlertmanagerSettings } from './settings.ts';

/** All Alertmanagers that send alerts here, as one. */
export interface Alertmanagers {
  /** What they say of an alert now. Never throws: without an answer it is unknown. */
  standingOf(alert: AskedAlert): Promise<JointAnswer>;
  /** Raises alerts in all of them. Never throws. @returns those that did not take them */
  post(alerts: readonly PostedAlert[]): ReturnType<typeof postToAll>;
  close(): Promise<void>;
}

/** One of them, asked for one thing at a time. */
interface Peer {
  readonly url: string;
  standingOf(alert: AskedAlert): Promise<PeerAnswer>;
  uptime(): Promise<{ readonly url: string; readonly uptime: Uptime }>;
}

/**
 * Connects to all Alertmanagers of the settings, and says in the log which cannot be asked: until that is
 * corrected, nothing is run.
 */
export function createAlertmanagers(
  settings: AlertmanagerSettings,
  log: Logger,
  counts: AlertmanagerCounts,
  young = YOUNG,
): Alertmanagers {
  const clients = settings.urls.map((url) => ({
    url,
    client: createAlertmanagerClient(url, settings, counts.onRequest),
  }));
  const peers = clients.map(({ url, client }) => createPeer(url, client));
  void reportReachable(peers, log);
  return {
    async standingOf(alert) {
      const answer = (await askForAlert(peers, alert)) ?? (await askForUptime(peers, young));
      counts.onAnswer(answer);
      return answer;
    },
    post: (alerts) => postToAll(clients, alerts),
    async close() {
      await Promise.all(clients.map(({ client }) => client.close()));
    },
  };
}

async function askForAlert(
  peers: readonly Peer[],
  alert: AskedAlert,
): Promise<JointAnswer | undefined> {
  return conclude(await Promise.all(peers.map((peer) => peer.standingOf(alert))));
}

/** Only where all have answered without the alert. */
async function askForUptime(peers: readonly Peer[], young: number): Promise<JointAnswer> {
  return concludeAbsent(await Promise.all(peers.map((peer) => peer.uptime())), young);
}

/** A wrong URL should not be found out by the first alert at night. */
async function reportReachable(peers: readonly Peer[], log: Logger): Promise<void> {
  for (const { url, uptime } of await Promise.all(peers.map((peer) => peer.uptime()))) {
    if (typeof uptime === 'number') log.info({ alertmanager: url }, 'Alertmanager will be asked');
    else {
      const line = { alertmanager: url, problem: uptime.problem };
      log.warn(line, 'Alertmanager cannot be asked: until it answers, no Job is created');
    }
  }
}

type Question = AskedAlert | 'status';

/** What one request told: the alerts, or since when this Alertmanager is up. */
interface Told {
  readonly standings?: Standings;
  readonly uptime?: Uptime;
}

function createPeer(url: string, client: AlertmanagerClient): Peer {
  const ask = createLane<Question, Told>(
    (question) => (question === 'status' ? question : `alerts ${question.labels['alertname']}`),
    (questions) => send(client, questions),
  );
  return {
    url,
    async standingOf(alert) {
      try {
        const { standings } = await ask(alert);
        return { url, standing: standings?.get(alert.fingerprint) ?? { kind: 'absent' } };
      } catch (error) {
        return { url, problem: messageOf(error) };
      }
    },
    async uptime() {
      try {
        const { uptime = { problem: NO_STATUS } } = await ask('status');
        return { url, uptime };
      } catch (error) {
        return { url, uptime: { problem: messageOf(error) } };
      }
    },
  };
}

const NO_STATUS = 'it does not say since when it is up';

const asParameter = (filter: string): [string, string] => ['filter', filter];

/** @throws {NoAnswer} */
async function send(client: AlertmanagerClient, questions: readonly Question[]): Promise<Told> {
  const alerts = questions.filter((question) => question !== 'status');
  if (alerts.length === 0) {
    const { body, now } = await client.get('/api/v2/status');
    return { uptime: readUptime(body, now) };
  }
  const query = new URLSearchParams(filtersFor(alerts).map(asParameter));
  const { body } = await client.get(`/api/v2/alerts?${query}`);
  const standings = readStandings(body);
  if (standings === undefined) throw new NoAnswer('the answer is no list of alerts', false);
  return { standings };
}

import { messageOf } from '@openfero/core/errors';
import { type AlertmanagerClient, NoAnswer } from './client.ts';

/** An alert as the API of Alertmanager takes it. Times as RFC 3339. */
export interface PostedAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL?: string;
}

/** Alerts of one request: 1.6 MiB of the largest. */
const AT_ONCE = 100;

/**
 * Posts alerts to every Alertmanager, as Prometheus does: they do not tell each other of alerts.
 *
 * @returns the URL and the problem of each that did not take them all
 */
export async function postToAll(
  clients: readonly { readonly url: string; readonly client: AlertmanagerClient }[],
  alerts: readonly PostedAlert[],
): Promise<readonly { readonly url: string; readonly problem: string }[]> {
  const all = clients.map(async ({ url, client }) => {
    const problem = await postTo(client, alerts);
    return problem === undefined ? [] : [{ url, problem }];
  });
  return (await Promise.all(all)).flat();
}

/** @returns the first problem. Of a request that it refuses, Alertmanager takes the valid alerts */
async function postTo(
  client: AlertmanagerClient,
  alerts: readonly PostedAlert[],
): Promise<string | undefined> {
  let problem: string | undefined;
  for (let first = 0; first < alerts.length; first += AT_ONCE) {
    try {
      await client.post('/api/v2/alerts', alerts.slice(first, first + AT_ONCE));
    } catch (error) {
      problem ??= messageOf(error);
      if (error instanceof NoAnswer && error.unreachable) break;
    }
  }
  return problem;
}

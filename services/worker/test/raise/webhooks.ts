import { createServer } from 'node:http';
import type { TestContext } from 'node:test';
import { listen } from '@openfero/testkit/listen';

/** An alert as a webhook of Alertmanager has it. */
export interface Notified {
  /** The last part of the webhook's path. */
  readonly receiver: string;
  readonly status: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
}

/** Receives what Alertmanager sends. @returns its address, and all alerts so far */
export async function startWebhooks(
  t: TestContext,
  onAlert: (alert: Notified) => void = () => {},
): Promise<{ readonly url: string; readonly notified: readonly Notified[] }> {
  const notified: Notified[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const receiver = String(request.url).replace(/.*\//, '');
      for (const alert of JSON.parse(Buffer.concat(chunks).toString()).alerts) {
        notified.push({ ...alert, receiver });
        onAlert({ ...alert, receiver });
      }
      response.end();
    });
  });
  const port = await listen(server);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${port}`, notified };
}

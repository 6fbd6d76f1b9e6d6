import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { json } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { type Alertmanager, missingAlertmanager, startAlertmanager } from '../src/alertmanager.ts';
import { at } from '../src/controlplane.ts';
import { listen } from '../src/listen.ts';

const skip = process.env['CI'] === 'true' ? false : missingAlertmanager();
const QUICK = { groupWait: '100ms', groupInterval: '500ms', repeatInterval: '1h' };

/** A webhook; `next` waits for the next notification. */
async function startWebhook(t: TestContext): Promise<{ url: string; next(): Promise<unknown> }> {
  const bodies: Promise<unknown>[] = [];
  const server: Server = createServer((request, response) => {
    const body = json(request);
    bodies.push(body);
    void body.then(() => {
      response.end();
      server.emit('notification');
    });
  });
  const port = await listen(server);
  t.after(() => server.close());
  return {
    url: `http://127.0.0.1:${port}`,
    async next() {
      while (bodies.length === 0) await once(server, 'notification');
      return bodies.shift();
    },
  };
}

describe('an Alertmanager', { skip }, () => {
  async function start(t: TestContext, receiverUrl: string, peers?: readonly Alertmanager[]) {
    const alertmanager = await startAlertmanager({
      receiverUrl,
      ...QUICK,
      ...(peers !== undefined && { peers }),
    });
    t.after(() => alertmanager.stop());
    return alertmanager;
  }

  it('notifies of firing and resolved alerts', async (t) => {
    const webhook = await startWebhook(t);
    const alertmanager = await start(t, webhook.url);
    const labels = { alertname: 'Any' };
    await alertmanager.post([{ labels }]);
    assert.equal(at(await webhook.next(), 'alerts', 0, 'status'), 'firing');
    await alertmanager.post([{ labels, endsAt: new Date().toISOString() }]);
    assert.equal(at(await webhook.next(), 'alerts', 0, 'status'), 'resolved');
    assert.equal(await alertmanager.metric('alertmanager_notifications_total', 'webhook'), 2);
  });

  it('settles with its peer, and both notify', async (t) => {
    const webhook = await startWebhook(t);
    const first = await start(t, webhook.url, []);
    const second = await start(t, webhook.url, [first]);
    await Promise.all([first.settled(), second.settled()]);
    const post = (one: Alertmanager) => one.post([{ labels: { alertname: 'Any' } }]);
    await Promise.all([first, second].map(post));
    await Promise.all([webhook.next(), webhook.next()]);
  });

  it('reports why it refuses alerts', async (t) => {
    const alertmanager = await start(t, 'http://127.0.0.1:1/');
    await assert.rejects(alertmanager.post([{ labels: {} }]), /answered 400/);
  });
});

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Alert } from '@openfero/core/alert';
import { type Alertmanager, missingAlertmanager } from '@openfero/testkit/alertmanager';
import { startProxy } from '@openfero/testkit/proxy';
import { remediation } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createAlertmanagers } from '../../src/alertmanager/ask.ts';
import { countAlertmanager } from '../../src/metrics/alertmanager.ts';
import { startPeers } from './peers.ts';

const skip = process.env['CI'] === 'true' ? false : missingAlertmanager();

const INHIBIT_RULES = [
  { source_matchers: ['alertname="NodeDown"'], target_matchers: ['zone="dmz"'], equal: ['node'] },
];

const alertOf = (labels: Readonly<Record<string, string>>): Alert =>
  remediation(labels['alertname'] ?? 'Disk', { labels }).alert;

describe('asking real Alertmanagers', { skip, timeout: 120_000 }, () => {
  const peers: Alertmanager[] = [];
  before(async () => {
    peers.push(...(await startPeers(INHIBIT_RULES)));
  });
  after(() => Promise.all(peers.map((peer) => peer.stop())));

  const peer = (index: number): Alertmanager => {
    const found = peers[index];
    assert.ok(found);
    return found;
  };

  /** @param young milliseconds: those of the test have just started, and count as long up */
  function asking(urls = peers.map(({ url }) => url), young = Number.NEGATIVE_INFINITY) {
    const metrics = new Registry();
    const log = pino({ level: 'silent' });
    const asked = createAlertmanagers({ urls }, log, countAlertmanager(metrics), young);
    after(() => asked.close());
    return { ...asked, metrics };
  }

  it('tells active, silenced, inhibited and resolved apart', async () => {
    const { standingOf } = asking();
    const disk = { alertname: 'Disk', zone: 'dmz', node: 'a' };
    assert.equal((await standingOf(alertOf(disk))).kind, 'absent');
    await peer(0).post([{ labels: disk }]);
    assert.equal((await standingOf(alertOf(disk))).kind, 'active', 'one of the two has it');

    await peer(0).post([{ labels: { alertname: 'NodeDown', node: 'a' } }]);
    const inhibited = await standingOf(alertOf(disk));
    assert.equal(inhibited.kind, 'suppressed');
    assert.match('by' in inhibited ? inhibited.by : '', /^inhibited by the alert [0-9a-f]{16}$/);

    const other = { alertname: 'Disk', zone: 'lan' };
    await peer(1).post([{ labels: other }]);
    const silence = await peer(0).silence({ zone: 'lan' });
    const by = `silenced by silence ${silence}`;
    await until('the silence has reached the other peer', async () => {
      return (await standingOf(alertOf(other))).kind === 'suppressed';
    });
    assert.deepEqual(await standingOf(alertOf(other)), { kind: 'suppressed', by });

    const gone = { alertname: 'Gone' };
    await peer(0).post([{ labels: gone }]);
    assert.equal((await standingOf(alertOf(gone))).kind, 'active');
    await peer(0).post([{ labels: gone, endsAt: new Date().toISOString() }]);
    assert.equal((await standingOf(alertOf(gone))).kind, 'absent');
  });

  it('finds alerts with quotes, backslashes, line breaks and other scripts in their labels', async () => {
    const { standingOf } = asking();
    const hostile = [
      { alertname: 'a "b" \\c\\n \\\\' },
      { alertname: 'line\nbreak\r\ttab' },
      { alertname: 'größe/Ω {x="y"},z' },
      { alertname: '" or alertname=~".*' },
      { alertname: 'plain', pod: 'a"b', path: '/var/lib', say: '`$(id)`' },
    ];
    for (const labels of hostile) {
      assert.deepEqual(await standingOf(alertOf(labels)), { kind: 'absent' }, labels.alertname);
      await peer(1).post([{ labels }]);
      assert.equal((await standingOf(alertOf(labels))).kind, 'active', labels.alertname);
    }
  });

  it('shares one request among the questions about one name', async () => {
    const { standingOf, metrics } = asking();
    const alerts = Array.from({ length: 640 }, (_, index) =>
      alertOf({ alertname: `Many${index % 8}`, instance: String(index) }),
    );
    await Promise.all(peers.map((one) => one.post(alerts.map(({ labels }) => ({ labels })))));
    const answers = await Promise.all(alerts.map((alert) => standingOf(alert)));
    assert.deepEqual([...new Set(answers.map(({ kind }) => kind))], ['active']);
    const text = await metrics.metrics();
    const counts = [
      ...text.matchAll(/^openfero_alertmanager_requests_total{code="(\w+)"} (\d+)$/gm),
    ];
    const by = Object.fromEntries(counts.map(([, code, count]) => [code, Number(count)]));
    // At the start one to each for its uptime, and then one for each name.
    assert.deepEqual(by, { 200: 2 * (8 + 1), error: 0, timeout: 0 });
    assert.match(text, /^openfero_alertmanager_answers_total{answer="active"} 640$/m);
  });

  it('among 5,000 alerts, with 64 questions in flight, sends one request at a time: none gets a 503', async () => {
    const { standingOf, metrics } = asking();
    const alerts = Array.from({ length: 5_000 }, (_, index) =>
      alertOf({ alertname: `Storm${index % 8}`, instance: String(index) }),
    );
    await Promise.all(peers.map((one) => one.post(alerts.map(({ labels }) => ({ labels })))));
    const asked = alerts.filter((_, index) => index % 19 === 0);
    const ask = async (): Promise<void> => {
      for (let alert = asked.pop(); alert !== undefined; alert = asked.pop()) {
        assert.equal((await standingOf(alert)).kind, 'active');
      }
    };
    await Promise.all(Array.from({ length: 64 }, ask));
    const refused = 'alertmanager_http_concurrency_limit_exceeded_total';
    for (const one of peers) assert.equal(await one.metric(refused), 0);
    const text = await metrics.metrics();
    const codes = [...text.matchAll(/requests_total{code="(\w+)"} [1-9]/g)].map(([, code]) => code);
    assert.deepEqual(codes, ['200']);
  });

  it('does not know of an alert that none has, if one of them has just started', async () => {
    const { standingOf } = asking(undefined, 300_000);
    const answer = await standingOf(alertOf({ alertname: 'Never' }));
    assert.equal(answer.kind, 'unknown');
    assert.match('problem' in answer ? answer.problem : '', /has been up for \d+ s only/);
  });

  it('does not know if one of them cannot be asked, unless the other has the alert', async () => {
    const proxy = await startProxy({ port: Number(new URL(peer(1).url).port) });
    after(() => proxy.close());
    const url = `http://127.0.0.1:${proxy.port}`;
    const { standingOf } = asking([peer(0).url, url]);
    const labels = { alertname: 'Half' };
    assert.equal((await standingOf(alertOf(labels))).kind, 'absent');
    proxy.cut();
    const answer = await standingOf(alertOf(labels));
    assert.equal(answer.kind, 'unknown');
    assert.ok('problem' in answer && answer.problem.startsWith(`${url}: `), JSON.stringify(answer));
    await peer(0).post([{ labels }]);
    assert.equal((await standingOf(alertOf(labels))).kind, 'active');
    proxy.heal();
    assert.equal((await standingOf(alertOf({ alertname: 'Other' }))).kind, 'absent');
  });
});

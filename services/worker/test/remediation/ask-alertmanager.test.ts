import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { instantOf } from '@openfero/core/instant';
import type { Remediation } from '@openfero/core/redis/remediation';
import {
  type Alertmanager,
  missingAlertmanager,
  startAlertmanager,
} from '@openfero/testkit/alertmanager';
import { definition } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createAlertmanagers } from '../../src/alertmanager/ask.ts';
import { countAlertmanager } from '../../src/metrics/alertmanager.ts';
import { SILENT, startPeers } from '../alertmanager/peers.ts';
import { deliveryBy, step } from '../attempt.ts';
import { createSandbox, runWorker, type Sandbox } from '../worker.ts';

/** Seconds for which Alertmanager is away. 30 once: `OPENFERO_TEST_AWAY=30`. */
const AWAY = Number(process.env['OPENFERO_TEST_AWAY'] ?? 0);

const skip = process.env['CI'] === 'true' ? false : missingAlertmanager();

const INHIBIT_RULES = [
  { source_matchers: ['alertname="RackDown"'], target_matchers: ['rack="7"'] },
];

describe('before a Job is created, Alertmanager is asked', { skip, timeout: 180_000 }, () => {
  let server: TestRedis;
  const peers: Alertmanager[] = [];
  before(async () => {
    server = await startRedis();
    peers.push(...(await startPeers(INHIBIT_RULES)));
  });
  after(async () => {
    await Promise.all(peers.map((peer) => peer.stop()));
    await server.stop();
  });

  /** Remediations of alerts that both peers have. */
  async function firing(count: number, rack: string): Promise<Remediation[]> {
    const all = Array.from({ length: count }, (_, index) =>
      remediation('Disk', { labels: { rack, node: `n${index}` } }),
    );
    const alerts = all.map(({ alert: { labels } }) => ({ labels }));
    await Promise.all(peers.map((peer) => peer.post(alerts)));
    return all;
  }

  async function sandboxWith(t: TestContext, policy = {}): Promise<Sandbox> {
    const sandbox = await createSandbox(t, server.url);
    const unlimited = { 'max-active': '0', ...policy };
    await sandbox.define('Disk', definition('Disk', { policy: unlimited }));
    return sandbox;
  }

  const urls = (): string => peers.map(({ url }) => url).join(', ');

  const runAsking = (t: TestContext, sandbox: Sandbox, urlList = urls()) =>
    runWorker(t, sandbox, {
      OPENFERO_ALERTMANAGER_URL: urlList,
      OPENFERO_MAX_ACTIVE_JOBS: '0',
    });

  it('200 that wait while a silence or an inhibition begins are suppressed, those that resolve superseded, and the others run', async (t) => {
    const sandbox = await sandboxWith(t);
    const [silenced, inhibited, resolved, others] = await Promise.all([
      firing(200, '6'),
      firing(200, '7'),
      firing(200, '5'),
      firing(20, '8'),
    ]);
    const ids = await Promise.all(
      [...silenced, ...inhibited, ...resolved, ...others].map((each) => sandbox.add(each)),
    );
    const endsAt = instantOf(Date.now());
    await Promise.all(
      resolved.map((each) =>
        sandbox.receive(each, { status: 'resolved', endsAt, receivedAt: each.receivedAt + 1 }),
      ),
    );
    const silence = await peers[0]?.silence({ rack: '6' });
    await peers[1]?.post([{ labels: { alertname: 'RackDown' } }]);
    const worker = await runAsking(t, sandbox);
    const ends = await Promise.all(ids.map((id) => worker.end(id)));

    assert.equal((await sandbox.jobs()).length, 20);
    const reasons = ends.map(({ outcome, reason }) => `${String(outcome)}: ${String(reason)}`);
    const bySilence = `suppressed: Alertmanager: the alert is silenced by silence ${silence}`;
    assert.equal(reasons.filter((each) => each === bySilence).length, 200);
    const inhibition =
      /^suppressed: Alertmanager: the alert is inhibited by the alert [0-9a-f]{16}$/;
    assert.equal(reasons.filter((each) => inhibition.test(each)).length, 200);
    assert.equal(ends.filter(({ outcome }) => outcome === 'superseded').length, 200);
    assert.equal(ends.filter(({ outcome }) => outcome === 'created').length, 20);
    const memories = await sandbox.redis.keys(`${sandbox.prefix}:memory:*`);
    assert.equal(memories.length, 20, 'what was suppressed is not remembered');
    const left = await sandbox.redis.keys(`${sandbox.prefix}:claim:*`);
    assert.deepEqual(left, [], 'and claims nothing');
    assert.equal(await worker.metric('openfero_alertmanager_answers_total{answer="active"}'), 20);
  });

  it('200 that resolve without a notification are superseded, with run-if-resolved it runs all the same', async (t) => {
    const all200 = await firing(200, '9');
    const [gone] = all200;
    assert.ok(gone);
    const endsAt = new Date().toISOString();
    const ended = all200.map(({ alert: { labels } }) => ({ labels, endsAt }));
    await Promise.all(peers.map((peer) => peer.post(ended)));
    const log = pino({ level: 'silent' });
    const settings = { urls: peers.map(({ url }) => url) };
    // The peers of the test have just started, and count as long up.
    const asked = createAlertmanagers(
      settings,
      log,
      countAlertmanager(new Registry()),
      Number.NEGATIVE_INFINITY,
    );
    t.after(() => asked.close());
    const outcomeIn = async (sandbox: Sandbox, of: Remediation): Promise<unknown> => {
      const result = await step(sandbox, await deliveryBy(sandbox, of), undefined, asked);
      return result.kind === 'end' ? result.result : result;
    };
    const strict = await sandboxWith(t);
    for (const each of all200) {
      const { definition: _definition, ...end } = Object(await outcomeIn(strict, each));
      assert.deepEqual(end, {
        ...{ outcome: 'superseded', operarius: 'openfero-disk-firing' },
        reason: 'Alertmanager does not have the alert any more',
      });
    }
    assert.deepEqual(await strict.jobs(), []);
    const lenient = await sandboxWith(t, { 'run-if-resolved': 'true' });
    const kept = await outcomeIn(lenient, gone);
    assert.equal(Object(kept)['outcome'], 'created');
    const resolved = { ...gone, alert: { ...gone.alert, status: 'resolved' as const } };
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk', definition('Disk', { status: 'resolved' }));
    const result = await step(sandbox, await deliveryBy(sandbox, resolved), undefined, asked);
    assert.equal(result.kind === 'end' && result.result.outcome, 'created', 'it is not asked for');
  });

  it('while one that alone has the alerts is away, they wait, and none runs twice', async (t) => {
    const alone = await startAlertmanager({ ...SILENT, inhibitRules: INHIBIT_RULES });
    t.after(() => alone.stop());
    const sandbox = await sandboxWith(t);
    const all = Array.from({ length: 20 }, (_, index) =>
      remediation('Disk', { labels: { node: `alone${index}` } }),
    );
    await alone.kill();
    const worker = await runAsking(t, sandbox, alone.url);
    const unreachable = await worker.line(({ msg }) =>
      msg.startsWith('Alertmanager cannot be asked'),
    );
    assert.equal(unreachable['alertmanager'], alone.url);
    const ids = await Promise.all(all.map((each) => sandbox.add(each)));
    const unknown = await worker.line(({ msg }) => msg === 'attempt failed, will be retried');
    assert.ok(JSON.stringify(unknown).includes(alone.url));
    await until('each was tried', async () => {
      return (await worker.metric('openfero_alertmanager_answers_total{answer="unknown"}')) >= 20;
    });
    await sleep(AWAY * 1000);
    assert.deepEqual(await sandbox.jobs(), []);
    await until('nothing is claimed meanwhile', async () => {
      return (await sandbox.redis.keys(`${sandbox.prefix}:claim:*`)).length === 0;
    });

    // It has forgotten its alerts, and does not count as knowing that they are over.
    await alone.restart();
    await until('it has answered that it is young', async () => {
      return (await worker.metric('openfero_alertmanager_requests_total{code="200"}')) >= 20;
    });
    assert.deepEqual(await sandbox.jobs(), []);
    await alone.post(all.map(({ alert: { labels } }) => ({ labels })));
    const ends = await Promise.all(ids.map((id) => worker.end(id)));
    assert.ok(ends.every(({ outcome }) => outcome === 'created'));
    assert.equal((await sandbox.jobs()).length, 20);
  });

  it('without an answer until max-age it expires, and says which Alertmanager it was', async (t) => {
    const sandbox = await sandboxWith(t, { 'max-age': '1s' });
    const worker = await runAsking(t, sandbox, 'http://127.0.0.1:9');
    const end = await worker.end(await sandbox.add(remediation('Disk')));
    assert.equal(end['outcome'], 'expired');
    assert.match(
      String(end['reason']),
      /last error: Alertmanager cannot tell .*http:\/\/127\.0\.0\.1:9: /,
    );
    assert.deepEqual(await sandbox.jobs(), []);
  });
});

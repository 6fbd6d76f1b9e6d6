import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { askedKey } from '@openfero/core/redis/approvals';
import { APPEND, appendArguments } from '@openfero/core/redis/history';
import { raisedKey, type ToRaise } from '@openfero/core/redis/raised';
import { stoppedKey } from '@openfero/core/redis/stopped';
import { script } from '@openfero/service/script';
import {
  type Alertmanager,
  missingAlertmanager,
  startAlertmanager,
} from '@openfero/testkit/alertmanager';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { Registry } from 'prom-client';
import { createAlertmanagers } from '../../src/alertmanager/ask.ts';
import { countAlertmanager } from '../../src/metrics/alertmanager.ts';
import { startPosting } from '../../src/raise/posting.ts';
import { SILENT } from '../alertmanager/peers.ts';
import { createSandbox, type Line, recordingLog, type Sandbox } from '../worker.ts';

const skip = process.env['CI'] === 'true' ? false : missingAlertmanager();

/** The product's own, a minute and no more, once: `OPENFERO_TEST_POSTING=as-shipped`. */
const TIMES =
  process.env['OPENFERO_TEST_POSTING'] === 'as-shipped' ? undefined : { look: 40, all: 400 };
const LIMIT = TIMES === undefined ? 60_000 : 20_000;

const HOSTILE = { alertname: 'Disk "full"RemediationFailed', path: '\\n"\n', zone: '' };

describe('what is raised, in real Alertmanagers', { skip, timeout: 120_000 }, () => {
  let server: TestRedis;
  /** They do not know each other. */
  const alertmanagers: Alertmanager[] = [];
  before(async () => {
    server = await startRedis();
    alertmanagers.push(...(await Promise.all([SILENT, SILENT].map(startAlertmanager))));
  });
  after(async () => {
    await Promise.all(alertmanagers.map((each) => each.stop()));
    await server.stop();
  });

  interface Given {
    readonly sandbox: Sandbox;
    readonly lines: readonly Line[];
    raise(raised: ToRaise): Promise<void>;
  }

  /** Two workers that post what is raised. */
  async function given(t: TestContext, urls = alertmanagers.map(({ url }) => url)): Promise<Given> {
    const sandbox = await createSandbox(t, server.url);
    const { redis, prefix } = sandbox;
    const { log, lines } = recordingLog();
    const stops = [1, 2].map(() => {
      const counts = countAlertmanager(new Registry());
      // Those of the test have just started, and count as long up.
      const asked = createAlertmanagers({ urls }, log, counts, Number.NEGATIVE_INFINITY);
      const options = { redis, prefix, alertmanagers: asked, watch: { note: () => false }, log };
      const stop = startPosting(options, TIMES);
      return async () => {
        stop();
        await asked.close();
      };
    });
    t.after(() => Promise.all(stops.map((stop) => stop())));
    const appendScript = script(redis, APPEND);
    return {
      ...{ sandbox, lines },
      async raise(raised) {
        const { keys, args } = appendArguments(prefix, 1000, [], [raised]);
        await appendScript(keys, args);
      },
    };
  }

  /** One about an alert that fires in the first Alertmanager. */
  async function failed(labels: Readonly<Record<string, string>>): Promise<ToRaise> {
    const { alert } = remediation('Disk', { labels });
    await alertmanagers[0]?.post([{ labels: alert.labels }]);
    const about = { alertname: 'Disk', fingerprint: alert.fingerprint };
    const content = { kind: 'remediation-failed', operarius: 'o', about } as const;
    const texts = { labels: { ...HOSTILE, ...labels }, annotations: { summary: HOSTILE.path } };
    return { field: `f/${about.fingerprint}`, lasts: 60_000, content: { ...content, ...texts } };
  }

  /** The active alerts with such a label, in each Alertmanager. */
  async function active(name: string, value: string): Promise<readonly object[][]> {
    const query = new URLSearchParams({ filter: `${name}="${value}"` });
    return Promise.all(
      alertmanagers.map(async ({ url }) => {
        const all = await (await fetch(`${url}/api/v2/alerts?${query}`)).json();
        assert.ok(Array.isArray(all));
        return all.filter(({ labels }) => labels.alertname !== 'Disk');
      }),
    );
  }

  const isIn = async (counts: readonly number[], name: string, value: string): Promise<boolean> =>
    (await active(name, value)).every((all, index) => all.length === counts[index]);

  it('is in each of them, as it is, until the alert is gone; then it is removed', async (t) => {
    const { sandbox, raise } = await given(t);
    const { redis, prefix } = sandbox;
    await raise(await failed({ node: 'each' }));
    await until('both have it', () => isIn([1, 1], 'node', 'each'));
    const [[one] = []] = await active('node', 'each');
    const { labels, annotations } = Object(one);
    const { zone: _empty, ...kept } = HOSTILE;
    assert.deepEqual(labels, { ...kept, node: 'each' });
    assert.deepEqual(annotations, { summary: HOSTILE.path });

    const disk = remediation('Disk', { labels: { node: 'each' } });
    await alertmanagers[0]?.post([{ labels: disk.alert.labels, endsAt: new Date().toISOString() }]);
    await until('it has ended', () => isIn([0, 0], 'node', 'each'));
    const [[field, text] = []] = Object.entries(await redis.hgetall(raisedKey(prefix)));
    assert.ok(field && text);
    const old = { ...JSON.parse(text), until: Date.now() - 301_000 };
    await redis.hset(raisedKey(prefix), field, JSON.stringify(old));
    await until('it is removed', async () => (await redis.hlen(raisedKey(prefix))) === 0);
  });

  it('is there again after one of them has restarted', async (t) => {
    const { raise } = await given(t);
    await raise({ ...(await failed({ node: 'restart' })), field: 'restart' });
    await until('both have it', () => isIn([1, 1], 'node', 'restart'));
    await alertmanagers[1]?.kill();
    await alertmanagers[1]?.restart();
    await until('it has it again', () => isIn([1, 1], 'node', 'restart'), LIMIT);
  });

  it('is not posted at all if the alert has gone by then', async (t) => {
    const { sandbox, raise } = await given(t);
    const { redis, prefix } = sandbox;
    const gone = await failed({ node: 'gone' });
    const { alert } = remediation('Disk', { labels: { node: 'gone' } });
    const endsAt = new Date().toISOString();
    await alertmanagers[0]?.post([{ labels: alert.labels, endsAt }]);
    const before = await Promise.all(alertmanagers.map((each) => received(each)));
    await raise(gone);
    await until('it is over', async () => {
      const [text = '{}'] = Object.values(await redis.hgetall(raisedKey(prefix)));
      return JSON.parse(text).until <= Date.now();
    });
    const now = await Promise.all(alertmanagers.map((each) => received(each)));
    assert.deepEqual(now, before);
  });

  it('is over for an operarius that runs again', async (t) => {
    const { sandbox, raise } = await given(t);
    const { redis, prefix } = sandbox;
    await redis.hset(stoppedKey(prefix), 'openfero-x-firing', '{}');
    const labels = { alertname: 'OpenFeroOperariusStopped', node: 'stopped' };
    await raise({
      ...{ field: 'stopped/openfero-x-firing', lasts: 60_000 },
      content: { kind: 'stopped', operarius: 'openfero-x-firing', labels, annotations: {} },
    });
    await until('both have it', () => isIn([1, 1], 'node', 'stopped'));
    await redis.del(stoppedKey(prefix));
    await until('it has ended', () => isIn([0, 0], 'node', 'stopped'));
  });

  it('is over for a question that is decided', async (t) => {
    const { sandbox, raise } = await given(t);
    const { redis, prefix } = sandbox;
    await redis.hset(askedKey(prefix), 'u1', '{}');
    const labels = { alertname: 'DiskApprovalNeeded', node: 'asked' };
    await raise({
      ...{ field: 'approval-needed/u1', lasts: 60_000 },
      content: { kind: 'approval-needed', operarius: 'o', uid: 'u1', labels, annotations: {} },
    });
    await until('both have it', () => isIn([1, 1], 'node', 'asked'));
    await redis.hdel(askedKey(prefix), 'u1');
    await until('it has ended', () => isIn([0, 0], 'node', 'asked'));
  });

  it('reaches one of them while the other one is away, and the log says which', async (t) => {
    const [first] = alertmanagers;
    assert.ok(first);
    const { raise, lines } = await given(t, [first.url, 'http://127.0.0.1:9']);
    await raise({ ...(await failed({ node: 'away' })), field: 'away' });
    await until('one has it', () => isIn([1, 0], 'node', 'away'));
    const isIt = ({ msg }: Line): boolean => msg.startsWith('raised alerts were not posted');
    await until('it is logged', () => lines.some(isIt));
    assert.equal(lines.find(isIt)?.['alertmanager'], 'http://127.0.0.1:9');
  });
});

/** Firing alerts that an Alertmanager has received. */
const received = (alertmanager: Alertmanager): Promise<number> =>
  alertmanager.metric('alertmanager_alerts_received_total', 'status="firing"');

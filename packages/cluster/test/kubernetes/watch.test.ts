import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ASKED, LABELS } from '@openfero/core/labels';
import {
  type ControlPlane,
  configMapsPath,
  finishJob,
  jobsPath,
  startControlPlane,
} from '@openfero/testkit/controlplane';
import { withoutControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { startProxy } from '@openfero/testkit/proxy';
import { until } from '@openfero/testkit/until';
import { type Cluster, ClusterError } from '../../src/cluster.ts';
import { accessOf, allow, connect, FAST, forbid, through, workerIn } from './connect.ts';
import { exampleJob, writeConfigMap } from './objects.ts';
import { startTampering } from './tampering.ts';

const NAME = 'openfero-disk-firing';
const ADMIN = { user: 'admin', groups: ['system:masters'] };

describe('a watch of a Kubernetes cluster', await withoutControlPlane(), () => {
  let plane: ControlPlane;

  before(async () => {
    plane = await startControlPlane();
  });
  after(() => plane?.stop());

  const dataOf = (cluster: Cluster): string | undefined => cluster.operarii.get(NAME)?.data?.['a'];
  const sees = (cluster: Cluster, a: string, limitMs?: number): Promise<void> =>
    until(`the watch has seen ${a}`, () => dataOf(cluster) === a, limitMs);
  const write = (namespace: string, a: string): Promise<void> =>
    writeConfigMap(plane, namespace, NAME, { data: { a } });

  test('continues without a list when the server ends it', async (t) => {
    const namespace = await plane.createNamespace();
    const access = await accessOf(plane, ADMIN, namespace);
    const { cluster, requests } = await connect({
      access,
      namespace,
      timing: { ...FAST, watch: [1000, 1000] },
    });
    t.after(() => cluster.close());
    assert.equal(requests.get('list 200'), 3);
    const opened = requests.get('watch 200') ?? 0;
    await until('it was opened thrice', () => (requests.get('watch 200') ?? 0) >= opened + 9);
    await write(namespace, 'later');
    await sees(cluster, 'later');
    assert.equal(requests.get('list 200'), 3);
    assert.equal(cluster.blocked(), undefined);
  });

  test('survives a crash of the API server, and sees what changed meanwhile', async (t) => {
    const namespace = await plane.createNamespace();
    const token = await workerIn(plane, namespace);
    const access = await accessOf(plane, { token }, namespace);
    const { cluster } = await connect({ access, namespace });
    t.after(() => cluster.close());
    const ends: string[] = [];
    cluster.jobs.onEnd(({ name }) => void ends.push(name));
    for (const name of ['finishes', 'vanishes', 'stays']) {
      await cluster.jobs.create(exampleJob(name, namespace), { dryRun: false });
    }
    await write(namespace, 'before');
    await sees(cluster, 'before');
    await until('the Jobs', () => [...cluster.jobs.unfinished().jobs].length === 3);

    await plane.killApiServer();
    await assert.rejects(cluster.ping(), { status: undefined, reason: 'ECONNREFUSED' });
    await assert.rejects(cluster.jobs.get('stays'), /ECONNREFUSED/);
    assert.equal(dataOf(cluster), 'before');
    assert.equal(cluster.blocked(), undefined, 'a short absence blocks nothing');
    await plane.startApiServer();
    await write(namespace, 'after');
    await finishJob(plane, { namespace, name: 'finishes' });
    const jobs = jobsPath(namespace);
    await plane.request('DELETE', `${jobs}/vanishes?propagationPolicy=Background`);

    await sees(cluster, 'after', 5000);
    await until('both ends', () => ends.length === 2, 5000);
    assert.deepEqual(ends.toSorted(), ['finishes', 'vanishes']);
    assert.deepEqual(
      [...cluster.jobs.unfinished().jobs].map(({ name }) => name),
      ['stays'],
    );
  });

  test('sees what changed while it was disconnected, and reports each end once', async (t) => {
    const namespace = await plane.createNamespace();
    const access = await accessOf(plane, ADMIN, namespace);
    const proxy = await startProxy({ port: Number(new URL(plane.url).port) });
    t.after(() => proxy.close());
    const { cluster } = await connect({ access: through(access, proxy.port), namespace });
    t.after(() => cluster.close());
    const ends: string[] = [];
    cluster.jobs.onEnd(({ name }) => void ends.push(name));
    const names = ['finishes', 'vanishes', 'stays'];
    for (const name of names) {
      await cluster.jobs.create(exampleJob(name, namespace), { dryRun: false });
    }
    await write(namespace, 'before');
    await sees(cluster, 'before');
    const waits = exampleJob('waits', namespace, { suspend: true });
    const { labels } = waits.metadata;
    const marked = { ...waits.metadata, labels: { ...labels, [LABELS.approval]: ASKED } };
    await cluster.jobs.create({ ...waits, metadata: marked }, { dryRun: false });
    await until('the Jobs', () => [...names, 'waits'].every((name) => cluster.jobs.isOurs(name)));

    proxy.cut();
    const jobs = jobsPath(namespace);
    await plane.request('PATCH', `${jobs}/waits`, { spec: { suspend: false } });
    await plane.request('DELETE', `${jobs}/waits?propagationPolicy=Background`);
    const configMap = `${configMapsPath(namespace)}/${NAME}`;
    await plane.request('POST', jobs, exampleJob('comes', namespace));
    await finishJob(plane, { namespace, name: 'comes' });
    await finishJob(plane, { namespace, name: 'finishes' });
    await plane.request('DELETE', `${jobs}/vanishes?propagationPolicy=Background`);
    await plane.request('DELETE', configMap);
    proxy.heal();

    await until('the ConfigMap is gone', () => cluster.operarii.get(NAME) === undefined);
    await until('all ends', () => ends.length >= 3);
    proxy.cut();
    proxy.heal();
    await write(namespace, 'after a second list');
    await sees(cluster, 'after a second list');
    // Nobody here knows whether the one that waited was released before it went.
    assert.deepEqual(ends.toSorted(), ['comes', 'finishes', 'vanishes']);
    assert.deepEqual([...cluster.jobs.asked()], []);
    assert.ok(!cluster.jobs.isOurs('vanishes') && cluster.jobs.isOurs('comes'));
  });

  test('starts without an API server, and reports it', async (t) => {
    const namespace = await plane.createNamespace();
    const access = await accessOf(plane, ADMIN, namespace);
    const proxy = await startProxy({ port: Number(new URL(plane.url).port) });
    t.after(() => proxy.close());
    proxy.cut();
    const { cluster } = await connect({ access: through(access, proxy.port), namespace });
    t.after(() => cluster.close());
    assert.match(
      cluster.blocked() ?? '',
      /^the first list of ConfigMaps in namespace .* is not complete/,
    );
    assert.equal(cluster.watchAges()['jobs'], Number.POSITIVE_INFINITY);
    proxy.heal();
    await until('it works', () => cluster.blocked() === undefined, 5000);
  });

  test('detects a network that drops everything, blocks in time, and recovers', async (t) => {
    const namespace = await plane.createNamespace();
    const access = await accessOf(plane, ADMIN, namespace);
    const proxy = await startProxy({ port: Number(new URL(plane.url).port) });
    t.after(() => proxy.close());
    const timing = { ...FAST, silence: 400, call: 500, headers: 500, stale: 2500 };
    const { cluster } = await connect({
      access: through(access, proxy.port),
      namespace,
      timing,
    });
    t.after(() => cluster.close());
    await write(namespace, 'before');
    await sees(cluster, 'before');

    proxy.blackhole();
    await assert.rejects(cluster.jobs.get('a'), { status: undefined, reason: 'Timeout' });
    await assert.rejects(cluster.ping(), { status: undefined });
    assert.equal(cluster.blocked(), undefined, 'what is known is young enough');
    await until('it is blocked', () => cluster.blocked() !== undefined, 5000);
    assert.match(
      cluster.blocked() ?? '',
      /^the watch of (ConfigMaps|Jobs) in namespace \S+ (\(\S+\) )?has received nothing since \d{4}-\S+Z: /,
    );
    assert.ok((cluster.watchAges()['configmaps'] ?? 0) > 2.4);
    proxy.heal();
    await write(namespace, 'after');
    await sees(cluster, 'after', 5000);
    await until('it works', () => cluster.blocked() === undefined, 5000);
  });

  test('loses one call, not fifty, if a router has dropped its connections', async (t) => {
    const namespace = await plane.createNamespace();
    const access = await accessOf(plane, ADMIN, namespace);
    const proxy = await startProxy({ port: Number(new URL(plane.url).port) });
    t.after(() => proxy.close());
    const timing = { ...FAST, call: 1500 };
    const { cluster } = await connect({ access: through(access, proxy.port), namespace, timing });
    t.after(() => cluster.close());
    const idle = Array.from({ length: 50 }, (_, n) => cluster.jobs.get(`none-${n}`));
    await Promise.all([...idle, sleep(timing.call)]);

    proxy.forget();
    await assert.rejects(cluster.jobs.get('none'), { reason: 'Timeout' });
    assert.equal(await cluster.jobs.get('none'), undefined);
  });

  test('closes at once, even if nothing answers', async (t) => {
    const namespace = await plane.createNamespace();
    const access = await accessOf(plane, ADMIN, namespace);
    const proxy = await startProxy({ port: Number(new URL(plane.url).port) });
    t.after(() => proxy.close());
    proxy.blackhole();
    const { cluster } = await connect({ access: through(access, proxy.port), namespace });
    const call = assert.rejects(cluster.jobs.get('none'), ClusterError);
    const began = performance.now();
    await cluster.close();
    await call;
    assert.ok(performance.now() - began < 500);
  });

  test('reopens a silent watch, so that quiet resources never block', async (t) => {
    const namespace = await plane.createNamespace();
    const access = await accessOf(plane, ADMIN, namespace);
    const timing = { ...FAST, silence: 200, stale: 1500 };
    const { cluster, requests } = await connect({ access, namespace, timing });
    t.after(() => cluster.close());
    let blocked: string | undefined;
    await until('all three were opened five times', () => {
      blocked ??= cluster.blocked();
      return (requests.get('watch 200') ?? 0) >= 15;
    });
    assert.equal(blocked, undefined);
    assert.equal(requests.get('list 200'), 3);
  });

  test('waits while its rights are missing, blocks in time, and recovers', async (t) => {
    const namespace = await plane.createNamespace();
    const token = await workerIn(plane, namespace);
    const access = await accessOf(plane, { token }, namespace);
    const timing = { ...FAST, watch: [1000, 1000] as const, stale: 2000 };
    const { cluster } = await connect({ access, namespace, timing });
    t.after(() => cluster.close());
    await write(namespace, 'before');
    await sees(cluster, 'before');

    await forbid(plane, namespace);
    await until('it is blocked', () => cluster.blocked() !== undefined);
    assert.match(
      cluster.blocked() ?? '',
      /^the watch of (ConfigMaps|Jobs) in namespace .* has received nothing since \S+: 403 Forbidden: .*: check the worker's Role and RoleBinding$/,
    );
    assert.equal(dataOf(cluster), 'before');
    await write(namespace, 'meanwhile');
    await allow(plane, namespace);
    await until('it works', () => cluster.blocked() === undefined, 5000);
    await sees(cluster, 'meanwhile');
  });

  test('lists in pages of one consistent state', { timeout: 60_000 }, async (t) => {
    const namespace = await plane.createNamespace();
    const count = 1100;
    const items = Array.from({ length: count }, (_, n) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `openfero-${n}-firing`, namespace, labels: { app: 'openfero' } },
    }));
    while (items.length > 0) {
      const path = configMapsPath(namespace);
      await Promise.all(items.splice(0, 50).map((one) => plane.request('POST', path, one)));
    }
    const access = await accessOf(plane, ADMIN, namespace);
    const { cluster, requests } = await connect({ access, namespace });
    t.after(() => cluster.close());
    await until('all are there', () => cluster.blocked() === undefined);
    assert.equal([...cluster.operarii.all()].length, count);
    // Three pages of operarii, one of the global switch, one of Jobs.
    assert.equal(requests.get('list 200'), 5);
  });

  describe('behind a proxy that tampers with it', () => {
    const tampered = async (t: { after(close: () => Promise<void>): void }) => {
      const namespace = await plane.createNamespace();
      const proxy = await startTampering(plane);
      t.after(() => proxy.close());
      const timing = { ...FAST, watch: [1000, 1000] as const };
      const connected = await connect({ access: proxy.access, namespace, timing });
      t.after(() => connected.cluster.close());
      assert.equal(connected.cluster.blocked(), undefined);
      const lists = (): number => connected.requests.get('list 200') ?? 0;
      return { ...connected, namespace, proxy, lists };
    };

    test('lists again after 410 Gone', async (t) => {
      const { cluster, namespace, proxy, lists } = await tampered(t);
      const before = lists();
      // The API server answers 410 to a version from before its start.
      proxy.tampering.query = (query) => query.set('resourceVersion', '1');
      await until('it has listed again', () => lists() >= before + 3);
      delete proxy.tampering.query;
      await write(namespace, 'after');
      await sees(cluster, 'after');
      assert.equal(cluster.blocked(), undefined);
    });

    test('lists again after a line that is not an event', async (t) => {
      const { cluster, namespace, proxy, lists } = await tampered(t);
      const lines = [
        '{"type":"ADDED","object":\n',
        '<html>\n',
        '"text"\n',
        '\n',
        '{"type":"ADDED","object":{}}\n',
        '{"type":"ERROR","object":{"kind":"Status","code":500,"message":"etcd is away"}}\n',
        Buffer.from([0xff, 0xfe, 0x0a]),
      ];
      for (const line of lines) {
        const before = lists();
        await until('it has listed', () => {
          proxy.say('/configmaps', line);
          return lists() > before;
        });
      }
      await write(namespace, 'after');
      await sees(cluster, 'after');
    });

    test('lists again after an endless line', async (t) => {
      const { cluster, namespace, proxy, lists } = await tampered(t);
      const before = lists();
      const piece = Buffer.alloc(1024 * 1024, 'x');
      await until('it has listed', () => {
        proxy.say('/configmaps', piece);
        return lists() > before;
      });
      await write(namespace, 'after');
      await sees(cluster, 'after');
    });

    test('reads characters and lines that arrive byte by byte', async (t) => {
      const { cluster, namespace, proxy, lists } = await tampered(t);
      const before = lists();
      proxy.tampering.bytes = (chunk) => Array.from(chunk, (_, n) => chunk.subarray(n, n + 1));
      const text = 'Größe 🚀 \u2028 „quoted“';
      await write(namespace, text);
      await sees(cluster, text);
      assert.equal(lists(), before);
    });

    test('accepts nothing else as a list', async (t) => {
      const { cluster, namespace, proxy } = await tampered(t);
      await write(namespace, 'before');
      await sees(cluster, 'before');
      proxy.tampering.query = (query) => query.set('resourceVersion', '1');
      let answered = 0;
      proxy.tampering.answer = (url, response) => {
        if (url.searchParams.has('watch') || !url.pathname.endsWith('/configmaps')) return false;
        answered++;
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(answered % 2 === 0 ? '{}' : '<html>');
        return true;
      };
      await until('it was answered', () => answered > 4);
      assert.equal(dataOf(cluster), 'before', 'what it knew it knows still');
      delete proxy.tampering.query;
      delete proxy.tampering.answer;
      await write(namespace, 'after');
      await sees(cluster, 'after');
    });
  });
});

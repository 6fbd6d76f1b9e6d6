import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { at, type Cluster, configMapsPath, itemsOf } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { until } from '@openfero/testkit/until';
import { pino } from 'pino';
import { ClusterError } from '../../src/cluster.ts';
import { createEventRecorder, type EventRecorder } from '../../src/kubernetes/events/recorder.ts';
import type { EventCalls } from '../../src/kubernetes/events/writer.ts';

const TIMING = { pace: 100, retry: 20, forbidden: 60_000, report: 60_000, flush: 1000 };

await describeOnControlPlane('Events on a ConfigMap', tests, { timeout: 120_000 });

function tests(plane: Cluster): void {
  /** Calls of the real API server. */
  const callsAs = (headers: Readonly<Record<string, string>> = {}): EventCalls => {
    const ask = async (method: string, path: string, body: unknown): Promise<void> => {
      const { status, body: answer } = await plane.request(method, path, body, headers);
      const reason = String(at(answer, 'reason'));
      if (status >= 300) throw new ClusterError(`${status} ${reason}`, { status, reason });
    };
    return {
      create: (path, _query, event) => ask('POST', path, event),
      patch: (path, _query, patch) => ask('PATCH', path, patch),
    };
  };

  /** Counts calls, and lets `tamper` delay or fail them. */
  const counted = (calls: EventCalls, tamper: () => Promise<void> = async () => {}) => {
    const counts = { create: 0, patch: 0 };
    const through =
      (verb: 'create' | 'patch'): EventCalls['create'] =>
      async (...args) => {
        counts[verb]++;
        await tamper();
        return calls[verb](...args);
      };
    return { counts, calls: { create: through('create'), patch: through('patch') } };
  };

  const start = (calls: EventCalls): { events: EventRecorder; log: string[] } => {
    const log: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line: string) => void log.push(line) });
    return {
      events: createEventRecorder(calls, { instance: 'worker-1', log: logger, timing: TIMING }),
      log,
    };
  };

  /** Creates a ConfigMap in a new namespace. */
  const configMap = async (name = 'openfero-disk-firing') => {
    const namespace = await plane.createNamespace();
    const path = configMapsPath(namespace);
    const { status, body } = await plane.request('POST', path, { metadata: { name } });
    assert.equal(status, 201);
    const read = (field: string): string => String(at(body, 'metadata', field));
    return { name, namespace, uid: read('uid'), resourceVersion: read('resourceVersion') };
  };

  const stored = async ({ namespace }: { namespace: string }): Promise<readonly unknown[]> => {
    const { body } = await plane.request('GET', `/api/v1/namespaces/${namespace}/events`);
    return itemsOf(body);
  };

  it('are shown by kubectl describe', async () => {
    const metadata = await configMap();
    const { events } = start(callsAs());
    events.record(metadata, 'InvalidOperarius', 'key Disk is missing');
    for (let i = 0; i < 3; i++) events.record(metadata, 'JobCreated', 'Created Job disk-1');
    await events.close();
    const args = ['describe', 'configmap', metadata.name, '-n', metadata.namespace];
    const described = await plane.kubectl(args);
    assert.match(described, /Warning +InvalidOperarius +\S+ +openfero-worker +key Disk is missing/);
    assert.match(
      described,
      /Normal +JobCreated +\S+( \(x3 over \S+\))? +openfero-worker +Created Job disk-1/,
    );
    const [event] = (await stored(metadata)).filter((one) => at(one, 'reason') === 'JobCreated');
    assert.equal(at(event, 'count'), 3);
    assert.equal(at(event, 'reportingInstance'), 'worker-1');
    const { name, namespace, uid, resourceVersion } = metadata;
    const about = { apiVersion: 'v1', kind: 'ConfigMap', name, namespace, uid, resourceVersion };
    assert.deepEqual(at(event, 'involvedObject'), about);
  });

  it('are counted in place', async () => {
    const metadata = await configMap();
    const { calls, counts } = counted(callsAs());
    const { events } = start(calls);
    for (let i = 0; i < 3; i++) {
      events.record(metadata, 'JobCreated', 'again');
      await sleep(TIMING.pace * 1.5);
    }
    await events.close();
    const all = await stored(metadata);
    assert.equal(all.length, 1);
    assert.equal(at(all[0], 'count'), 3);
    assert.equal(counts.create, 1);
    assert.ok(counts.patch >= 1);
    const [first, last] = ['firstTimestamp', 'lastTimestamp'].map((one) => at(all[0], one));
    assert.ok(String(first) <= String(last));
  });

  it('stay few in a flood, and are recorded without delay', async () => {
    const metadata = await configMap();
    const { calls, counts } = counted(callsAs());
    const { events } = start(calls);
    const since = performance.now();
    for (let i = 0; i < 5000; i++) events.record(metadata, 'JobCreated', `Created Job disk-${i}`);
    const perRecord = (performance.now() - since) / 5000;
    await events.close();
    const all = await stored(metadata);
    assert.equal(all.length, 10);
    const combined = all.find((one) => String(at(one, 'message')).startsWith('(combined'));
    assert.equal(at(combined, 'count'), 4991);
    assert.ok(counts.create + counts.patch <= 25);
    assert.ok(perRecord < 1, `${perRecord} ms`);
  });

  it('are created again if the API server has deleted them', async () => {
    const metadata = await configMap();
    const { events } = start(callsAs());
    events.record(metadata, 'JobCreated', 'again');
    await until('the Event is written', async () => (await stored(metadata)).length > 0);
    await plane.request('DELETE', `/api/v1/namespaces/${metadata.namespace}/events`);
    events.record(metadata, 'JobCreated', 'again');
    await events.close();
    const [event] = await stored(metadata);
    assert.equal(at(event, 'count'), 2);
  });

  it('accept any ConfigMap name and any alert text', async () => {
    const metadata = await configMap(`${'a'.repeat(235)}.${'b'.repeat(17)}`);
    const { events } = start(callsAs());
    events.record(metadata, 'RemediationFailed', `\u001b[31mred\nline ${'ü'.repeat(2000)}`);
    events.record(metadata, 'RemediationFailed', 'half a pair: \ud83d');
    await events.close();
    const messages = (await stored(metadata)).map((one) => String(at(one, 'message')));
    assert.equal(messages.length, 2);
    const [long = ''] = messages.filter((message) => message.includes('red'));
    assert.match(long, /^ \[31mred line ü+$/);
    assert.ok(Buffer.byteLength(long) <= 1024);
  });

  it('are retried without an answer', async () => {
    const metadata = await configMap();
    let fails = 2;
    const { calls, counts } = counted(callsAs(), async () => {
      if (fails-- > 0) throw new ClusterError('refused', { reason: 'ECONNREFUSED' });
    });
    const { events, log } = start(calls);
    events.record(metadata, 'JobCreated', 'once');
    await until('the Event is written', async () => (await stored(metadata)).length > 0);
    await events.close();
    assert.equal(counts.create, 3);
    assert.deepEqual(log, []);
  });

  it('that are forbidden lead to one log line and no more requests', async () => {
    const metadata = await configMap();
    const { calls, counts } = counted(callsAs({ 'impersonate-user': 'nobody' }));
    const { events, log } = start(calls);
    for (let i = 0; i < 100; i++) events.record(metadata, 'JobCreated', `${i}`);
    await events.close();
    assert.equal(counts.create, 1);
    assert.equal(log.length, 1);
    assert.match(log[0] ?? '', /Events on ConfigMaps were not written: 403 Forbidden/);
  });

  it('that hang delay the stop by a second at most, and are not recorded after it', async () => {
    const metadata = await configMap();
    const forever = Promise.withResolvers<void>();
    const { calls, counts } = counted(callsAs(), () => forever.promise);
    const { events } = start(calls);
    events.record(metadata, 'JobCreated', 'one');
    events.record(metadata, 'JobCreated', 'another');
    const since = performance.now();
    await events.close();
    const took = performance.now() - since;
    assert.ok(took > 900 && took < 3000, `${took} ms`);
    events.record(metadata, 'JobCreated', 'late');
    forever.resolve();
    await sleep(100);
    assert.equal(counts.create, 1);
  });
}

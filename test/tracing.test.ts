import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { json } from 'node:stream/consumers';
import { it, type TestContext } from 'node:test';
import { DEFAULT_PREFIX } from '@openfero/core/redis/keys';
import { QUEUE } from '@openfero/core/redis/remediation';
import { at, finishJob } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { listen } from '@openfero/testkit/listen';
import { definition } from '@openfero/testkit/operarii';
import { queued, remediation, startsNow } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { type ClusterSystem, startClusterSystem } from './cluster-system.ts';
import { notificationOf } from './system.ts';

const SECRET = 'c2VjcmV0LXRva2Vu';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SENDER = `00-${TRACE}-00f067aa0ba902b7-01`;

/** A span as it was sent. */
interface Sent {
  readonly service: unknown;
  readonly name: unknown;
  readonly traceId: unknown;
  readonly spanId: unknown;
  readonly parentSpanId: unknown;
  readonly failed: boolean;
  readonly seconds: number;
  attribute(key: string): unknown;
}

/** A collector: takes spans by OTLP over HTTP. */
interface Collector {
  readonly url: string;
  readonly headers: readonly IncomingHttpHeaders[];
  readonly spans: readonly Sent[];
  /** What it answers. */
  status: number;
}

async function startCollector(t: TestContext): Promise<Collector> {
  const spans: Sent[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const collector = { url: '', headers, spans, status: 200 };
  const server = createServer(async (request, response) => {
    assert.equal(`${request.method} ${request.url}`, 'POST /v1/traces');
    headers.push(request.headers);
    const body: unknown = await json(request);
    if (collector.status === 200) spans.push(...spansIn(body));
    response.writeHead(collector.status, { 'content-type': 'application/json' });
    // A collector that repeats what it was sent.
    response.end(collector.status === 200 ? '{}' : request.headers.authorization);
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  collector.url = `http://127.0.0.1:${await listen(server)}`;
  return collector;
}

function spansIn(body: unknown): Sent[] {
  return list(at(body, 'resourceSpans')).flatMap((resource) => {
    const service = attributeOf(at(resource, 'resource'), 'service.name');
    const scopes = list(at(resource, 'scopeSpans'));
    return scopes.flatMap((scope) => list(at(scope, 'spans')).map((span) => sent(span, service)));
  });
}

const sent = (span: unknown, service: unknown): Sent => ({
  ...{ service, name: at(span, 'name'), traceId: at(span, 'traceId') },
  ...{ spanId: at(span, 'spanId'), parentSpanId: at(span, 'parentSpanId') },
  failed: at(span, 'status', 'code') === 2,
  seconds:
    Number(nanoseconds(span, 'endTimeUnixNano') - nanoseconds(span, 'startTimeUnixNano')) / 1e9,
  attribute: (key) => attributeOf(span, key),
});

const nanoseconds = (span: unknown, field: string): bigint => BigInt(String(at(span, field)));

function attributeOf(of: unknown, key: string): unknown {
  const found = list(at(of, 'attributes')).find((one) => at(one, 'key') === key);
  return Object.values(Object(at(found, 'value')))[0];
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

await describeOnControlPlane('tracing', (plane) => {
  const start = async (t: TestContext, collector: Collector): Promise<ClusterSystem> => {
    const system = await startClusterSystem(t, plane);
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${SECRET}`,
    };
    await system.define(definition('Traced', { job: { spec: { backoffLimit: 0 } } }));
    const [worker] = await Promise.all([system.startWorker(env), system.startReceiver(env)]);
    await worker.ready();
    return system;
  };

  it('shows an alert as one trace, from the notification to the end of its Job', async (t) => {
    const collector = await startCollector(t);
    const system = await start(t, collector);
    const [receiver] = system.receivers;
    const response = await fetch(`${await receiver?.url()}/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent: SENDER },
      body: notificationOf([
        { alertname: 'Traced', text: 'x'.repeat(5000) },
        { alertname: 'y'.repeat(5000) },
      ]),
    });
    assert.equal(response.status, 200);
    const ends = await system.ended(2);
    const job = String(ends.find(({ outcome }) => outcome === 'created')?.['job']);
    await finishJob(plane, { namespace: system.namespace, name: job }, 'Failed');
    const named = (name: string): readonly Sent[] =>
      collector.spans.filter((span) => span.name === name);
    await until('the end of the Job is sent', () => named('Job').length === 1);
    await until('the others are', () => named('remediate').length === 2);

    for (const { traceId } of collector.spans) assert.equal(traceId, TRACE);
    const [post] = named('POST /alerts');
    assert.deepEqual(
      [post?.service, post?.parentSpanId],
      ['openfero-receiver', SENDER.split('-')[2]],
    );
    assert.deepEqual(
      ['http.response.status_code', 'openfero.queued'].map((key) => post?.attribute(key)),
      [200, 2],
    );
    const entries = named('queue remediation');
    assert.equal(entries.length, 2);
    for (const entry of entries) {
      assert.equal(entry.parentSpanId, post?.spanId);
      assert.ok(String(entry.attribute('openfero.alertname')).length <= 500);
    }
    const queuedAs = entries.find((one) => one.attribute('openfero.alertname') === 'Traced');
    const attempt = named('remediate').find((one) => one.parentSpanId === queuedAs?.spanId);
    assert.equal(attempt?.service, 'openfero-worker');
    assert.equal(attempt?.attribute('openfero.outcome'), 'created');
    assert.equal(attempt?.attribute('k8s.job.name'), job);
    const [create] = named('create Job');
    assert.equal(create?.parentSpanId, attempt?.spanId);
    const [end] = named('Job');
    assert.equal(end?.parentSpanId, queuedAs?.spanId);
    assert.equal(end?.attribute('openfero.fate'), 'failed');
    assert.deepEqual([end?.failed, create?.failed], [true, false]);
    assert.ok((end?.seconds ?? 99) < 30);
    for (const headers of collector.headers) {
      assert.equal(headers.authorization, `Bearer ${SECRET}`);
    }
  });

  it('a wrong trace in the queue is no reason to run nothing', async (t) => {
    const collector = await startCollector(t);
    const system = await start(t, collector);
    const redis = new Redis(system.redis.url, { maxRetriesPerRequest: null });
    const queue = new Queue(QUEUE, { connection: redis, prefix: DEFAULT_PREFIX });
    t.after(async () => {
      await queue.close();
      redis.disconnect();
    });
    const wrong = ['00-nonsense', 5, `${SENDER}\n`, `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`];
    for (const [index, traceparent] of wrong.entries()) {
      const given = remediation('Traced', { ...startsNow(), labels: { instance: String(index) } });
      const { name, data, opts } = queued(given);
      await queue.add(name, { ...data, traceparent }, opts);
    }
    const ends = await system.ended(wrong.length);
    assert.deepEqual(new Set(ends.map(({ outcome }) => outcome)), new Set(['created']));
    const jobs = await system.jobs();
    assert.equal(jobs.length, wrong.length);
    for (const job of jobs) {
      assert.equal(at(job, 'metadata', 'annotations', 'openfero.io/traceparent'), undefined);
    }
  });

  it('a collector that refuses or is away is told of once, without its credentials', async (t) => {
    const collector = await startCollector(t);
    collector.status = 401;
    const system = await start(t, collector);
    const services = [...system.receivers, ...system.workers];
    const send = async (instance: string): Promise<void> => {
      await system.post(notificationOf([{ alertname: 'Traced', instance }]));
    };
    await send('a');
    for (const service of services) {
      await service.waitForLine(({ msg }) => /^traces cannot be sent/.test(msg));
    }
    await send('b');
    await system.ended(2);
    await until('it was asked again', () => collector.headers.length >= 4);
    collector.status = 200;
    await send('c');
    for (const service of services) {
      await service.waitForLine(({ msg }) => /^traces are sent again/.test(msg));
      const text = JSON.stringify([service.lines, service.stderr]);
      assert.equal(text.match(/traces cannot be sent/g)?.length, 1);
      assert.doesNotMatch(text, new RegExp(SECRET));
    }
  });
});

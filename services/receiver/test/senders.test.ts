import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LogLine, type Service, serverOf, startService } from '@openfero/testkit/process';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';

/** What senders get wrong, and what they, and the person who reads the log, are told. */

let redis: TestRedis;
let receiver: Service;
before(async () => {
  redis = await startRedis();
  const env = { REDIS_URL: redis.url, HOST: '127.0.0.1', PORT: '0' };
  receiver = await startService(serverOf('receiver'), env);
  await receiver.ready();
});
after(async () => {
  await receiver.stop();
  await redis.stop();
});

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Headers;
}

async function send(body: unknown, path = '/alerts', method = 'POST'): Promise<Answer> {
  const response = await fetch(`${await receiver.url()}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    body: Object(await response.json()),
    headers: response.headers,
  };
}

/** The first line with this message from now on. */
function nextLine(msg: string): Promise<LogLine> {
  const seen = new Set(receiver.lines);
  return receiver.waitForLine((line) => line.msg === msg && !seen.has(line));
}

async function metric(line: string): Promise<number> {
  const text = await (await fetch(`${await receiver.url()}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((each) => each.startsWith(`${line} `))
      ?.slice(line.length),
  );
}

/** A notification of one alert, whose fields replace those of a good one. */
function notificationOf(fields: object, rest: object = {}): object {
  const alert = { status: 'firing', labels: { alertname: 'Probe' }, annotations: {} };
  const alerts = [{ ...alert, startsAt: '2026-01-01T00:00:00Z', ...fields }];
  return { version: '4', groupKey: crypto.randomUUID(), status: 'firing', alerts, ...rest };
}

test('a rejected alert is named, with the label that is wrong, in the log and in the answer', async () => {
  const line = nextLine('alert rejected: it is not remediated');
  const startsAt = '2026-01-01T00:00:00Z';

  const { status, body } = await send({
    ...{ version: '4', groupKey: 'g', status: 'firing' },
    alerts: [
      { status: 'firing', labels: { alertname: 'Probe' }, startsAt },
      { status: 'firing', labels: { alertname: 'DiskFull', port: 9100 }, startsAt },
    ],
  });

  assert.equal(status, 200);
  const { level, index, alertname, reason } = await line;
  assert.equal(level, 'warn');
  assert.match(String(reason), /^labels-not-strings: the label "port" is 9100/);
  assert.deepEqual(body['rejected'], [{ index, alertname, reason }]);
  assert.deepEqual([index, alertname], [1, 'DiskFull']);
});

test('of many rejected alerts ten are in the log, and each line is short', async () => {
  const line = nextLine('notification refused');
  const labels = { alertname: 'x'.repeat(10_000), port: 'y' };

  await send({ alerts: new Array(20).fill({ labels, startsAt: 'z'.repeat(10_000) }) });

  assert.equal((await line)['rejected'], 20);
  const rejected = receiver.lines.filter((one) => String(one['alertname']).startsWith('xxx'));
  assert.equal(rejected.length, 10);
  for (const one of rejected) assert.ok(JSON.stringify(one).length < 1000);
});

test('a field that is null, or a remark that is wrong, holds up no alert', async () => {
  const nulls = { version: null, groupKey: null, truncatedAlerts: null, externalURL: null };
  const wrong = { receiver: 5, externalURL: 5, truncatedAlerts: 1e308, groupLabels: 'x' };
  for (const rest of [nulls, wrong]) {
    const { status, body } = await send(
      notificationOf({ annotations: { value: 5 }, fingerprint: crypto.randomUUID() }, rest),
    );
    assert.deepEqual([status, body['queued'], body['rejected']], [200, 1, []]);
    assert.match(String(body['warnings']), /alerts\[0\]: the annotation "value" is 5/);
  }
  assert.equal(await metric('openfero_alerts_truncated_total'), 0);
});

test('notifications of templates are read: without a version, a start, or with a time of Go', async () => {
  const line = nextLine('the notification has errors that were ignored');
  for (const [fields, rest] of [
    [{ status: undefined, annotations: undefined, startsAt: undefined }, {}],
    [{}, { version: undefined }],
    [{ startsAt: '2026-01-01 00:00:00 +0000 UTC' }, {}],
  ] as const) {
    const { status, body } = await send(notificationOf(fields, rest));
    assert.deepEqual([status, body['queued'], body['absorbed']], [200, 1, 0]);
  }
  assert.match(String((await line)['warnings']), /alerts\[0\]: startsAt is missing/);
});

test('a time that cannot be read is quoted in the answer, with the form that is wanted', async () => {
  const { status, body } = await send(notificationOf({ startsAt: '1.1.2026' }));
  assert.equal(status, 400);
  assert.match(JSON.stringify(body), /startsAt is \\"1\.1\.2026\\": use RFC 3339/);
});

for (const [method, path, code, error] of [
  ['POST', '/', 404, /POST \/alerts/],
  ['POST', '//alerts', 404, /POST \/alerts/],
  ['POST', '/api/v2/alerts', 404, /not an Alertmanager: name an Alertmanager under `alerting`/],
  ['POST', '/alertmanager/api/v1/alerts?x=1', 404, /not an Alertmanager/],
  ['PUT', '/alerts', 405, /PUT is not allowed.* POST/],
  ['DELETE', '/alerts/', 405, /DELETE is not allowed/],
] as const) {
  test(`${method} ${path} is answered with ${code}, logged and counted`, async () => {
    const counter = `openfero_notifications_total{code="${code}"}`;
    const before = await metric(counter);
    const line = nextLine('notification refused');

    const { status, body, headers } = await send({}, path, method);

    assert.equal(status, code);
    assert.match(String(body['error']), error);
    if (code === 405) assert.equal(headers.get('allow'), 'GET, HEAD, POST');
    const { level, ...fields } = await line;
    assert.equal(level, 'warn');
    assert.deepEqual([fields['method'], fields['path'], fields['code']], [method, path, code]);
    assert.equal(await metric(counter), before + 1);
  });
}

test('a page that does not exist is no notification', async () => {
  const before = await metric('openfero_notifications_total{code="404"}');
  assert.equal((await fetch(`${await receiver.url()}/favicon.ico`)).status, 404);
  assert.equal(await metric('openfero_notifications_total{code="404"}'), before);
});

test('of many requests to wrong paths some are in the log, and all are counted', async () => {
  const counter = 'openfero_notifications_total{code="404"}';
  const before = await metric(counter);
  for (let i = 0; i < 50; i++) await send({}, '/many');
  const lines = receiver.lines.filter(({ path }) => path === '/many');
  assert.ok(lines.length <= 20, `${lines.length} lines`);
  assert.equal(await metric(counter), before + 50);
});

test('/alerts/ is taken', async () => {
  assert.equal((await send(notificationOf({}), '/alerts/')).status, 200);
});

test('the alerts of a Prometheus that was pointed here are refused with where they belong', async () => {
  const { status, body } = await send([{ labels: { alertname: 'A' } }]);
  assert.equal(status, 400);
  assert.match(String(body['error']), /as Prometheus sends it to an Alertmanager/);
});

for (const path of ['/healthz', '/startupz', '/readyz', '/readiness']) {
  test(`GET ${path} is a probe`, async () => {
    assert.equal((await fetch(`${await receiver.url()}${path}`)).status, 200);
  });
}

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readRemediation } from '@openfero/core/redis/remediation';
import { readState, STATE_TTL, stateKey } from '@openfero/core/redis/states';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import {
  alert,
  buildReceiver,
  countsOf,
  notification,
  PAYLOADS,
  untilReady,
  waiting,
} from './receiver.ts';

let redis: TestRedis;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

test('the bodies of a real Alertmanager are there to test with', () => {
  assert.ok(PAYLOADS.length >= 3);
});

for (const { name, body } of PAYLOADS) {
  test(`${name}: every alert becomes one remediation under its own status`, async (t) => {
    const receiver = await buildReceiver(t, redis.url);
    await untilReady(receiver.redis);
    const sent = JSON.parse(body);

    const answer = await receiver.post(body);

    assert.equal(answer.statusCode, 200);
    const queued = sent.alerts.length;
    assert.deepEqual(countsOf(answer), { queued, absorbed: 0, rejected: 0 });
    const jobs = await waiting(redis.url, receiver.prefix);
    const remediations = jobs.map((job) => readRemediation(job.data));
    assert.deepEqual(
      remediations.map((each) => [each.alert.status, each.alert.labels, each.alert.fingerprint]),
      sent.alerts.map((each: Record<string, unknown>) => [
        each['status'],
        each['labels'],
        each['fingerprint'],
      ]),
    );
    assert.deepEqual(
      jobs.map((job) => job.id),
      remediations.map((each) => each.id),
    );
    assert.deepEqual(
      answer.json().remediations,
      jobs.map((job) => job.id),
    );
    assert.equal(new Set(remediations.map((each) => each.receivedAt)).size, 1);
    assert.equal(remediations[0]?.group.key, sent.groupKey);
  });
}

test('the latest state of each alert is kept for 8 days, with the instant of receipt', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);
  const resolved = { ...alert('A'), status: 'resolved', endsAt: '2026-11-22T05:00:00Z' };

  await receiver.post(notification({ ...alert('A'), fingerprint: 'f' }));
  await receiver.post(notification({ ...resolved, fingerprint: 'f' }));

  const key = stateKey(receiver.prefix, { labels: { alertname: 'A' }, fingerprint: 'f' });
  const state = readState(await receiver.redis.get(key));
  const last = (await waiting(redis.url, receiver.prefix)).at(-1);
  assert.equal(state?.status, 'resolved');
  assert.equal(state?.endsAt, '2026-11-22T05:00:00.000000000Z');
  assert.equal(state?.receivedAt, last?.data.receivedAt);
  const life = await receiver.redis.pttl(key);
  assert.ok(life > STATE_TTL - 60_000 && life <= STATE_TTL);
});

test('a state that was received later is not replaced', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);
  const later = JSON.stringify({
    receivedAt: Date.now() + 3_600_000,
    status: 'resolved',
    startsAt: '2026-11-22T04:00:00Z',
    endsAt: '2026-11-22T05:00:00Z',
  });
  const key = stateKey(receiver.prefix, { labels: { alertname: 'A' }, fingerprint: 'f' });
  await receiver.redis.set(key, later);

  const answer = await receiver.post(notification({ ...alert('A'), fingerprint: 'f' }));

  assert.equal(answer.statusCode, 200);
  assert.equal(await receiver.redis.get(key), later);
});

test('the same body twice is absorbed the second time, while the first waits', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);
  const body = notification(alert('A'), alert('B'));

  await receiver.post(body);
  const again = await receiver.post(body);

  assert.deepEqual(countsOf(again), { queued: 0, absorbed: 2, rejected: 0 });
  assert.equal((await waiting(redis.url, receiver.prefix)).length, 2);
  assert.equal(await receiver.metric('openfero_alerts_absorbed_total'), 2);
});

test('the same occurrence twice in one notification is absorbed', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);
  const spelled = { ...alert('A'), startsAt: '2026-11-22T05:34:40.113210877+01:00' };

  const answer = await receiver.post(notification(alert('A'), spelled));

  assert.deepEqual(countsOf(answer), { queued: 1, absorbed: 1, rejected: 0 });
});

test('an occurrence whose remediation was deleted by hand is queued again', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);
  await receiver.post(notification(alert('A')));
  const [job] = await waiting(redis.url, receiver.prefix);
  await receiver.redis.del(`${receiver.prefix}:remediations:${job?.id}`);

  const again = await receiver.post(notification(alert('A')));

  assert.deepEqual(countsOf(again), { queued: 1, absorbed: 0, rejected: 0 });
});

test('a bad alert does not hold up its group and is named in the answer', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);
  const nameless = { ...alert('A'), labels: { severity: 'info' } };
  const wrongTypes = { ...alert('A'), labels: { alertname: 'A', cpu: 5 } };

  const answer = await receiver.post(notification(nameless, alert('A'), wrongTypes, 'alert'));

  assert.equal(answer.statusCode, 200);
  assert.deepEqual(countsOf(answer), { queued: 1, absorbed: 0, rejected: 3 });
  assert.deepEqual(answer.json().rejected, [
    { index: 0, reason: 'no-alertname: the label "alertname" is missing or empty' },
    {
      index: 2,
      alertname: 'A',
      reason: 'labels-not-strings: the label "cpu" is 5, not a string: put it in quotes',
    },
    { index: 3, reason: 'not-an-object: it is "alert"' },
  ]);
  const line = 'openfero_alerts_rejected_total{reason="no-alertname"}';
  assert.equal(await receiver.metric(line), 1);
});

test('a label named __proto__ or constructor is a label like any other', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);
  const labels = '{"alertname":"A","__proto__":"p","constructor":"c"}';
  const body = JSON.stringify(notification(alert('A'))).replace('{"alertname":"A"}', labels);

  const answer = await receiver.post(body);

  assert.equal(answer.statusCode, 200);
  const [job] = await waiting(redis.url, receiver.prefix);
  assert.deepEqual(Object.entries(job?.data.alert.labels), Object.entries(JSON.parse(labels)));
});

const NO_NOTIFICATIONS: Readonly<Record<string, unknown>> = {
  'no JSON': '{"version":',
  'an empty body': '',
  'a list': [],
  null: 'null',
  'neither a version nor alerts': {},
  'a wrong version': { ...notification(alert('A')), version: '3' },
  'no alerts': { version: '4' },
  'an empty list of alerts': notification(),
  'alerts that are no list': { ...notification(), alerts: { 0: alert('A') } },
};

for (const [what, body] of Object.entries(NO_NOTIFICATIONS)) {
  test(`${what} is answered with 400 and what is wrong`, async (t) => {
    const receiver = await buildReceiver(t, redis.url);
    await untilReady(receiver.redis);

    const answer = await receiver.post(body);

    assert.equal(answer.statusCode, 400);
    assert.match(answer.json().error, /\w+ \w+/);
    assert.equal(await receiver.metric('openfero_notifications_total{code="400"}'), 1);
    assert.equal((await waiting(redis.url, receiver.prefix)).length, 0);
  });
}

test('a notification without one good alert is a 400 that names the reasons', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);

  const answer = await receiver.post(notification({ labels: {} }, 5));

  assert.equal(answer.statusCode, 400);
  assert.deepEqual(answer.json().rejected, [
    { index: 0, reason: 'no-alertname: the label "alertname" is missing or empty' },
    { index: 1, reason: 'not-an-object: it is 5' },
  ]);
});

test('of many bad alerts the answer lists a hundred, and the metric counts all', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);

  const answer = await receiver.post(notification(...new Array(15_000).fill({}), alert('A')));

  assert.deepEqual(countsOf(answer), { queued: 1, absorbed: 0, rejected: 100 });
  const line = 'openfero_alerts_rejected_total{reason="no-alertname"}';
  assert.equal(await receiver.metric(line), 15_000);
});

test('more alerts, or values, than a notification can have are a 413 that says how many', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);

  const alerts = await receiver.post(notification(...new Array(20_001).fill({})));
  const values = await receiver.post(`{"alerts":[${'0,'.repeat(400_000)}0]}`);

  for (const [answer, number] of [
    [alerts, /20001 alerts/] as const,
    [values, /400002 values/] as const,
  ]) {
    assert.equal(answer.statusCode, 413);
    assert.match(answer.json().error, number);
  }
});

test('an alert is stored without what no Job can carry', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);
  const large = { ...alert('A'), annotations: { description: 'x'.repeat(2_900_000) } };

  const answer = await receiver.post({ ...notification(large), groupKey: 'k'.repeat(100_000) });

  assert.deepEqual(countsOf(answer), { queued: 1, absorbed: 0, rejected: 0 });
  const [job] = await waiting(redis.url, receiver.prefix);
  const { alert: stored, group } = readRemediation(job?.data);
  assert.equal(stored.annotations['description']?.length, 32 * 1024);
  assert.deepEqual(stored.truncated, { labels: [], annotations: ['description'] });
  assert.equal(group.key.length, 4096);
});

test('10,000 alerts in one notification all become remediations', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);
  const alerts = Array.from({ length: 10_000 }, (_, i) => alert('A', { pod: `pod-${i}` }));
  const body = JSON.stringify(notification(...alerts));

  // On a busy machine the first answers may be 503. Alertmanager repeats, and so it gets through.
  let answer = await receiver.post(body);
  for (let i = 0; i < 20 && answer.statusCode === 503; i++) answer = await receiver.post(body);

  assert.equal(answer.statusCode, 200, answer.body);
  assert.equal(answer.json().queued + answer.json().absorbed, 10_000);
  assert.equal(await receiver.redis.llen(`${receiver.prefix}:remediations:wait`), 10_000);
});

test('alerts that the sender cut off are counted', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);

  await receiver.post({ ...notification(alert('A')), truncatedAlerts: 7 });

  assert.equal(await receiver.metric('openfero_alerts_truncated_total'), 7);
});

test('counters over closed lists start at 0', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  for (const line of [
    'openfero_notifications_total{code="200"}',
    'openfero_notifications_total{code="503"}',
    'openfero_alerts_received_total{status="firing"}',
    'openfero_alerts_received_total{status="resolved"}',
    'openfero_alerts_rejected_total{reason="no-alertname"}',
    'openfero_alerts_absorbed_total',
    'openfero_alerts_truncated_total',
  ]) {
    assert.equal(await receiver.metric(line), 0, line);
  }
});

test('GET /alerts answers OK and /docs describes the webhook', async (t) => {
  const receiver = await buildReceiver(t, redis.url);

  const ok = await receiver.app.inject('/alerts');
  assert.equal(ok.body, 'OK');
  const page = await receiver.app.inject('/docs');
  assert.equal(page.statusCode, 200);
  assert.doesNotMatch(page.body, /(src|href)="(https?:)?\/\//);
  const { paths } = (await receiver.app.inject('/docs/json')).json();
  assert.deepEqual(Object.keys(paths), ['/alerts']);
});

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  type Alertmanager,
  type AlertmanagerOptions,
  missingAlertmanager,
  type PostedAlert,
  startAlertmanager,
} from '@openfero/testkit/alertmanager';
import { definition } from '@openfero/testkit/operarii';
import type { LogLine } from '@openfero/testkit/process';
import { freePort } from '@openfero/testkit/redis';
import { until } from '@openfero/testkit/until';
import { drained, notificationOf, type System, startSystem } from './system.ts';

const skip = process.env['CI'] === 'true' ? false : missingAlertmanager();

/** Alertmanager's defaults are 30 s, 5 min and 4 h. */
const QUICK = { groupWait: '200ms', groupInterval: '1s', repeatInterval: '1h' };

type Wishes = Partial<AlertmanagerOptions> & {
  readonly worker?: Record<string, string>;
};

/** The services, operarii for Disk firing and resolved, and an Alertmanager that posts to them. */
async function start(
  t: TestContext,
  { worker = {}, ...over }: Wishes = {},
): Promise<{ system: System; alertmanager: Alertmanager; receiverUrl: string }> {
  const system = await startSystem(t);
  for (const status of ['firing', 'resolved'] as const) await defineDisk(system, status);
  const [receiver] = await Promise.all([system.startReceiver(), system.startWorker(worker)]);
  await receiver.ready();
  const receiverUrl = `${await receiver.url()}/alerts`;
  const alertmanager = await startAnother(t, { receiverUrl, ...QUICK, ...over });
  return { system, alertmanager, receiverUrl };
}

/** The name of its Jobs says which status they are for. */
function defineDisk(system: System, status: 'firing' | 'resolved'): Promise<void> {
  const job = { metadata: { name: `disk-${status}` } };
  return system.define(`${status}.yaml`, definition('Disk', { status, job }));
}

async function startAnother(t: TestContext, options: AlertmanagerOptions): Promise<Alertmanager> {
  const alertmanager = await startAlertmanager(options);
  t.after(() => alertmanager.stop());
  return alertmanager;
}

/** With startsAt, as Prometheus sends it: otherwise each Alertmanager would use its own time of receipt. */
const disk = (instance: string): PostedAlert => ({
  labels: { alertname: 'Disk', instance },
  startsAt: new Date().toISOString(),
});
const resolved = (alert: PostedAlert) => ({ ...alert, endsAt: new Date().toISOString() });

/** Counts the ends by status and outcome. */
function tally(ends: readonly LogLine[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, outcome } of ends) {
    const kind = `${status} ${outcome}`;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

async function jobsOf(system: System, status: string): Promise<number> {
  return (await system.jobs()).filter((name) => name.startsWith(`disk-${status}-`)).length;
}

describe('alerts from a real Alertmanager', { skip, timeout: 180_000 }, () => {
  it('become one Job each, also if they resolve within a firing group', async (t) => {
    const { system, alertmanager } = await start(t);
    const [a, b, c] = [disk('a'), disk('b'), disk('c')];
    await alertmanager.post([a, b, c]);
    assert.deepEqual(tally(await system.ended(3)), { 'firing created': 3 });
    await alertmanager.post([resolved(a)]);
    // Alertmanager sends the whole group, including the two that still fire.
    assert.deepEqual(tally(await system.ended(6)), {
      'firing created': 3,
      'firing deduplicated': 2,
      'resolved created': 1,
    });
    assert.equal(await jobsOf(system, 'firing'), 3);
    assert.equal(await jobsOf(system, 'resolved'), 1);
  });

  it('become Jobs only for the new members if their group grows', async (t) => {
    const { system, alertmanager } = await start(t);
    const a = disk('a');
    await alertmanager.post([a]);
    await system.ended(1);
    await alertmanager.post([a, disk('b'), disk('c')]);
    assert.deepEqual(tally(await system.ended(4)), {
      'firing created': 3,
      'firing deduplicated': 1,
    });
    assert.equal(await jobsOf(system, 'firing'), 3);
  });

  it('run once even if Alertmanager repeats them', async (t) => {
    const { system, alertmanager } = await start(t, { repeatInterval: '1s' });
    await alertmanager.post([disk('a')]);
    assert.deepEqual(tally(await system.ended(3)), {
      'firing created': 1,
      'firing deduplicated': 2,
    });
    assert.equal(await jobsOf(system, 'firing'), 1);
  });

  it('become one Job each if two Alertmanagers of a cluster send them', async (t) => {
    const { system, alertmanager, receiverUrl } = await start(t, { peers: [] });
    const other = await startAnother(t, { receiverUrl, ...QUICK, peers: [alertmanager] });
    const both = [alertmanager, other];
    await Promise.all(both.map((one) => one.settled()));
    // Prometheus posts to all of them.
    const alerts = ['a', 'b', 'c'].map(disk);
    await Promise.all(both.map((one) => one.post(alerts)));
    const sent = (): Promise<number[]> =>
      Promise.all(both.map((one) => one.metric('alertmanager_notifications_total', 'webhook')));
    await until('both have notified', async () => (await sent()).every((count) => count > 0));
    const ends = await system.ended(3);
    const [worker] = system.workers;
    assert.ok(worker);
    await drained(worker, 10_000);
    assert.equal(tally(ends)['firing created'], 3);
    assert.equal(await jobsOf(system, 'firing'), 3);
  });

  it('become a Job each time they fire, after the cooldown', async (t) => {
    const { system, alertmanager } = await start(t, { worker: { OPENFERO_COOLDOWN: '5s' } });
    const a = disk('a');
    await alertmanager.post([a]);
    await system.ended(1);
    await alertmanager.post([resolved(a)]);
    await system.ended(2);
    await alertmanager.post([disk('a')]);
    const ends = await system.ended(3);
    assert.deepEqual(tally(ends), { 'firing created': 2, 'resolved created': 1 });
    const [first = 0, second = 0] = ends
      .filter(({ status }) => status === 'firing')
      .map(({ time }) => Date.parse(String(time)));
    assert.ok(second - first > 4900, `${second - first} ms after the first one`);
    assert.equal(await jobsOf(system, 'firing'), 2);
  });

  it('are not lost while no receiver runs, since Alertmanager retries', async (t) => {
    const port = await freePort();
    const system = await startSystem(t);
    await defineDisk(system, 'firing');
    const receiverUrl = `http://127.0.0.1:${port}/alerts`;
    const alertmanager = await startAnother(t, { receiverUrl, ...QUICK });
    await alertmanager.post(['a', 'b', 'c'].map(disk));
    const failed = 'alertmanager_notification_requests_failed_total';
    await until('a notification has failed', async () => {
      return (await alertmanager.metric(failed, 'webhook')) > 0;
    });
    await Promise.all([system.startReceiver({ PORT: String(port) }), system.startWorker()]);
    assert.deepEqual(tally(await system.ended(3)), { 'firing created': 3 });
  });
});

describe('two sources that disagree: firing, resolved, firing with the same startsAt', () => {
  const startsAt = new Date(Date.now() - 60_000).toISOString();
  const post = async (system: System, status: 'firing' | 'resolved'): Promise<void> => {
    const over = { status, startsAt, ...(status === 'resolved' && { endsAt: nowAsText() }) };
    const response = await system.post(notificationOf([{ alertname: 'Disk' }], over));
    assert.equal(response.status, 200);
  };
  const nowAsText = (): string => new Date().toISOString();

  async function defined(t: TestContext): Promise<System> {
    const system = await startSystem(t);
    for (const status of ['firing', 'resolved'] as const) await defineDisk(system, status);
    await system.startReceiver();
    await system.receivers[0]?.ready();
    return system;
  }

  it('lead to one Job per status', async (t) => {
    const system = await defined(t);
    await system.startWorker();
    await post(system, 'firing');
    await system.ended(1);
    await post(system, 'resolved');
    await system.ended(2);
    await post(system, 'firing');
    assert.deepEqual(tally(await system.ended(3)), {
      'firing created': 1,
      'resolved created': 1,
      'firing deduplicated': 1,
    });
    assert.equal(await jobsOf(system, 'firing'), 1);
  });

  it('lead to the same Jobs if no worker ran meanwhile', async (t) => {
    const system = await defined(t);
    await post(system, 'firing');
    await post(system, 'resolved');
    await post(system, 'firing');
    await system.startWorker();
    assert.deepEqual(tally(await system.ended(2)), { 'firing created': 1, 'resolved created': 1 });
    assert.equal(await jobsOf(system, 'firing'), 1);
  });
});

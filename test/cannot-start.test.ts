import assert from 'node:assert/strict';
import { it } from 'node:test';
import { at, jobsPath } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition } from '@openfero/testkit/operarii';
import { serverOf, startService } from '@openfero/testkit/process';
import { scrape } from '@openfero/testkit/scrape';
import { until } from '@openfero/testkit/until';
import { startClusterSystem } from './cluster-system.ts';
import { envOf, notificationOf } from './system.ts';

/** A worker looks at a Job once it had no pod for 30 s, and then every 5 s. */
const PATIENCE = 60_000;

await describeOnControlPlane('a Job whose ServiceAccount is missing', (plane) => {
  it('is shown with the reason, logged and counted, until it starts', async (t) => {
    const system = await startClusterSystem(t, plane);
    const dashboard = await startService(serverOf('dashboard'), envOf(system.redis.url));
    t.after(() => dashboard.stop());
    const [worker] = await Promise.all([system.startWorker(), system.startReceiver()]);
    await Promise.all([worker.ready(), dashboard.ready()]);
    const shows = (words: RegExp): Promise<void> =>
      until(
        `the page says ${words}`,
        async () => {
          const page = await (await fetch(await dashboard.url())).text();
          return words.test(page.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' '));
        },
        PATIENCE,
      );
    const counted = async (): Promise<number | undefined> =>
      (await scrape(await worker.url())).value('openfero_jobs_cannot_start');
    const { namespace } = system;
    await system.define(definition('Disk', { job: { pod: { serviceAccountName: 'cleaner' } } }));

    await system.post(notificationOf([{ alertname: 'Disk', namespace: 'shop' }]));
    const [end] = await system.ended(1);
    assert.equal(end?.['outcome'], 'created');
    await shows(/Disk .*Job running/);
    assert.equal(await counted(), 0);
    const job = String(end['job']);

    await shows(
      /Disk .*Job cannot start .*FailedCreate: .*serviceaccount &quot;cleaner&quot; not found/,
    );
    const line = await worker.waitForLine(({ msg }) => msg === 'Job cannot start');
    assert.deepEqual([line['level'], line['job'], line['namespace']], ['error', job, 'shop']);
    assert.match(String(line['reason']), /serviceaccount "cleaner" not found/);
    assert.equal(await counted(), 1);
    const reasons = async (): Promise<unknown[]> =>
      (await system.events('openfero-disk-firing')).map((event) => at(event, 'reason'));
    await until('an Event', async () => (await reasons()).includes('JobCannotStart'));

    const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await plane.request('POST', accounts, { metadata: { name: 'cleaner' } });
    // A change: else its controller tries again within a minute.
    const touched = { metadata: { annotations: { 'example.com/try': 'again' } } };
    await plane.request('PATCH', `${jobsPath(namespace)}/${job}`, touched);
    await shows(/Disk .*Job running/);
    await worker.waitForLine((each) => each['job'] === job && /^Job has started/.test(each.msg));
    assert.equal(await counted(), 0);
  });
});

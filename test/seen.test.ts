import assert from 'node:assert/strict';
import { it } from 'node:test';
import { at, finishJob } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition } from '@openfero/testkit/operarii';
import { serverOf, startService } from '@openfero/testkit/process';
import { until } from '@openfero/testkit/until';
import { startClusterSystem } from './cluster-system.ts';
import { envOf, notificationOf } from './system.ts';

const AUTHOR = { authorization: `Basic ${Buffer.from('ann:s3cret').toString('base64')}` };
const LOGIN = {
  OPENFERO_AUTH: 'basic',
  OPENFERO_AUTH_USER: 'ann',
  OPENFERO_AUTH_PASSWORD: 's3cret',
};

await describeOnControlPlane('what the dashboard shows of a real cluster', (plane) => {
  it('a Job that failed is red, is run again once from two tabs, and then has succeeded', async (t) => {
    const system = await startClusterSystem(t, plane);
    const dashboard = await startService(serverOf('dashboard'), {
      ...envOf(system.redis.url),
      ...LOGIN,
    });
    t.after(() => dashboard.stop());
    const [worker] = await Promise.all([system.startWorker(), system.startReceiver()]);
    await Promise.all([worker.ready(), dashboard.ready()]);
    const url = await dashboard.url();
    const page = async (path: string): Promise<string> =>
      (await (await fetch(url + path, { headers: AUTHOR })).text()).replace(/<[^>]*>/g, ' ');
    const shows = (path: string, words: RegExp): Promise<void> =>
      until(String(words), async () => words.test((await page(path)).replace(/\s+/g, ' ')));
    const { namespace } = system;
    const jobs = async (): Promise<string[]> =>
      (await system.jobs()).map((job) => String(at(job, 'metadata', 'name')));

    await system.define(definition('Restart', { job: { spec: { backoffLimit: 0 } } }));
    await system.define(definition('Broken', { policy: { cooldown: '5 minutes' } }));
    await shows('/operarii', /openfero-broken-firing invalid .*cooldown is .* expected a duration/);
    await shows('/operarii', /openfero-restart-firing valid /);

    await system.post(notificationOf([{ alertname: 'Restart' }]));
    await system.ended(1);
    await shows('/', /Restart Job running/);
    const [first = ''] = await jobs();
    await finishJob(plane, { namespace, name: first }, 'Failed');
    await shows('/', /1 failed · OpenFero .* Restart Job failed every try of the Job failed/);

    const [, way = ''] =
      /class="again" href="([^"]*)"/.exec(await (await fetch(url, { headers: AUTHOR })).text()) ??
      [];
    const press = (): Promise<Response> =>
      fetch(url + way, {
        method: 'POST',
        redirect: 'manual',
        headers: { ...AUTHOR, 'sec-fetch-site': 'same-origin' },
      });
    const answers = await Promise.all([press(), press(), press()]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [303, 303, 303],
    );
    await until('the new Job', async () => (await jobs()).length === 2);
    const second = (await jobs()).find((name) => name !== first) ?? '';
    await finishJob(plane, { namespace, name: second });
    await shows('/', /Restart Job succeeded/);
    assert.deepEqual((await jobs()).sort(), [first, second].sort());
    const line = await dashboard.waitForLine(({ action }) => action === 'rerun');
    assert.equal(line['user'], 'ann');
    await shows('/operarii', /openfero-restart-firing valid run .* 2 2 1 of 2 succeeded/);

    // Nobody edits the broken one after this.
    await worker.stop();
    await shows('/', /No worker is alive\./);
    await (await system.startWorker()).ready();
    await shows('/', /Workers alive 1/);
    await shows('/operarii', /openfero-broken-firing invalid .*cooldown is .* expected a duration/);
    assert.doesNotMatch(await page('/operarii'), /stale/);
  });
});

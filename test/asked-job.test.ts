import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { DECIDE, decideInput } from '@openfero/core/redis/approval-scripts';
import { approvalsKey, askedKey, readWish } from '@openfero/core/redis/approvals';
import { DEFAULT_PREFIX } from '@openfero/core/redis/keys';
import { runKeys } from '@openfero/core/redis/limits';
import { placesKey } from '@openfero/core/redis/places';
import { targetsKey } from '@openfero/core/redis/targets';
import { at, type Cluster, jobsPath } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition } from '@openfero/testkit/operarii';
import { until } from '@openfero/testkit/until';
import { Redis } from 'ioredis';
import { startClusterSystem } from './cluster-system.ts';
import { notificationOf } from './system.ts';

function connect(t: TestContext, url: string): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  redis.on('error', () => {});
  t.after(() => redis.disconnect());
  return redis;
}

/** What the limits count. */
async function counted(redis: Redis): Promise<object> {
  const targets = Object.entries(await redis.hgetall(targetsKey(DEFAULT_PREFIX)));
  const [runs = ''] = runKeys(DEFAULT_PREFIX, '');
  return {
    targets: targets.filter(([name]) => name !== 'known' && name !== 'lost').length,
    runs: await redis.zcard(runs),
    places: await redis.zcount(placesKey(DEFAULT_PREFIX), 0, '+inf'),
  };
}

/** @returns the kubeconfig of a worker, and what lets it answer questions */
async function createAccount(
  plane: Cluster,
  namespace: string,
): Promise<{ readonly kubeconfig: string; letAnswer(): Promise<void> }> {
  const token = await plane.tokenFor(namespace, 'worker');
  const allow = async (role: string, ...rights: readonly string[]): Promise<void> => {
    await plane.kubectl(['create', 'role', role, ...rights, '-n', namespace]);
    const whom = [`--role=${role}`, `--serviceaccount=${namespace}:worker`];
    await plane.kubectl(['create', 'rolebinding', role, ...whom, '-n', namespace]);
  };
  await allow(
    'works',
    '--verb=create,get,list,watch',
    '--resource=configmaps,events,namespaces,jobs.batch',
  );
  return {
    kubeconfig: await plane.kubeconfig({ token }, namespace),
    letAnswer: () => allow('answers', '--verb=patch,delete', '--resource=jobs.batch'),
  };
}

/** An operarius whose Jobs have as many annotations as the API server takes. */
function fullDefinition(alertname: string): string {
  const mostBytes = 256 * 1024;
  const annotations = { filling: 'x'.repeat(mostBytes - 1500) };
  const policy = { mode: 'approve', target: 'node' };
  return definition(alertname, { policy, job: { metadata: { annotations } } });
}

await describeOnControlPlane('a Job that waits for a person', (plane) => {
  it('is asked about again after a loss of Redis with what was decided, and takes its target when kubectl releases it', async (t) => {
    const system = await startClusterSystem(t, plane);
    await system.define(definition('Drain', { policy: { mode: 'approve', target: 'node' } }));
    await Promise.all([system.startReceiver(), system.startWorker()]);
    await Promise.all(system.workers.map((worker) => worker.ready()));
    const redis = connect(t, system.redis.url);
    const isAsked = async (): Promise<boolean> =>
      (await redis.hlen(askedKey(DEFAULT_PREFIX))) === 1;

    await system.post(notificationOf([{ alertname: 'Drain', node: 'worker-1' }]));
    await until('it is asked about', isAsked);
    const [uid = ''] = await redis.hkeys(askedKey(DEFAULT_PREFIX));
    const wish = { decision: 'approved', by: 'ada', at: Date.now() } as const;
    const { keys, args } = decideInput(DEFAULT_PREFIX, uid, wish);
    // At once: no worker carries it out in between.
    const [noted] =
      (await redis
        .multi()
        .eval(DECIDE, keys.length, ...keys, ...args)
        .flushall()
        .exec()) ?? [];
    assert.deepEqual(noted, [null, ['noted']]);
    // Else the correction after the loss takes the target within a second.
    await redis.hset(targetsKey(DEFAULT_PREFIX), 'known', Date.now());
    await until('it is asked about again', isAsked);

    assert.equal(await redis.hlen(approvalsKey(DEFAULT_PREFIX)), 0, 'what was decided is lost');

    const [job] = await system.jobs();
    assert.equal(at(job, 'spec', 'suspend'), true);
    const name = String(at(job, 'metadata', 'name'));
    const holders = async (): Promise<string[]> =>
      Object.values(await redis.hgetall(targetsKey(DEFAULT_PREFIX)));
    assert.ok(!(await holders()).some((holder) => holder.endsWith(`/${name}`)));
    await plane.request('PATCH', `${jobsPath(system.namespace)}/${name}`, {
      spec: { suspend: false },
    });
    await until(
      'it has its target',
      async () => (await holders()).some((holder) => holder.endsWith(`/${name}`)),
      5000,
    );
  });

  it('waits on, and takes nothing, while the API server refuses to release it: people are told why', async (t) => {
    const namespace = await plane.createNamespace();
    const { kubeconfig, letAnswer } = await createAccount(plane, namespace);
    const system = await startClusterSystem(t, plane, { namespace, kubeconfig });
    await system.define(definition('Drain', { policy: { mode: 'approve', target: 'node' } }));
    await plane.kubectl(['create', '-n', namespace, '-f', '-'], fullDefinition('Reboot'));
    const env = { OPENFERO_MAX_RUNS: '5/1h' };
    await Promise.all([system.startReceiver(), system.startWorker(env)]);
    const [worker] = system.workers;
    await worker?.ready();
    const redis = connect(t, system.redis.url);
    await redis.hset(targetsKey(DEFAULT_PREFIX), 'known', Date.now());
    const asked = async (alertname: string): Promise<string> => {
      await system.post(notificationOf([{ alertname, node: `of-${alertname}` }]));
      let found = '';
      await until('it is asked about', async () => {
        const all = Object.entries(await redis.hgetall(askedKey(DEFAULT_PREFIX)));
        found = all.find(([, text]) => JSON.parse(text).alertname === alertname)?.[0] ?? '';
        return found !== '';
      });
      return found;
    };
    const approve = async (uid: string, by: string): Promise<void> => {
      const wish = { decision: 'approved', by, at: Date.now() } as const;
      const { keys, args } = decideInput(DEFAULT_PREFIX, uid, wish);
      await redis.eval(DECIDE, keys.length, ...keys, ...args);
    };
    const obstacleOf = async (uid: string): Promise<string> =>
      readWish(await redis.hget(approvalsKey(DEFAULT_PREFIX), uid))?.obstacle ?? '';
    const refusal = async (uid: string): Promise<string> => {
      await until('it is refused', async () => (await obstacleOf(uid)) !== '');
      return obstacleOf(uid);
    };

    const drain = await asked('Drain');
    await approve(drain, 'ada');
    assert.match(await refusal(drain), /forbids it .*: apply deploy\/kubernetes\/approval\.yaml/);
    assert.deepEqual(await counted(redis), { targets: 0, runs: 0, places: 0 });
    const line = await worker?.waitForLine(({ msg }) => msg.includes('is not carried out'));
    assert.match(String(line?.['obstacle']), /cannot patch resource \\?"jobs/);
    const name = 'openfero-drain-firing';
    await until('an Event tells', async () =>
      (await system.events(name)).some((one) => at(one, 'reason') === 'ApprovalObstructed'),
    );
    await letAnswer();
    await until('it is released', async () => (await obstacleOf(drain)) === '', 15_000);
    await until('it counts', async () => {
      const now = JSON.stringify(await counted(redis));
      return now === JSON.stringify({ targets: 1, runs: 1, places: 1 });
    });

    const reboot = await asked('Reboot');
    await approve(reboot, 'a'.repeat(3000));
    assert.match(await refusal(reboot), /refuses it: correct what it names, or deny .*\(422 /);
    assert.deepEqual(await counted(redis), { targets: 1, runs: 1, places: 1 });
  });
});

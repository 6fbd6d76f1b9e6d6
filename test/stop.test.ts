import assert from 'node:assert/strict';
import { it } from 'node:test';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { startClusterSystem } from './cluster-system.ts';
import { openfero } from './openfero.ts';

await describeOnControlPlane('openfero stop', (plane) => {
  it('ends with 0 once every worker says that it is in force, and resume undoes it', async (t) => {
    const system = await startClusterSystem(t, plane);
    const { namespace } = system;
    const workers = await Promise.all([system.startWorker(), system.startWorker()]);
    await Promise.all(workers.map((worker) => worker.ready()));
    const env = { KUBECONFIG: plane.adminKubeconfig, REDIS_URL: system.redis.url };

    const before = await openfero(env, ['status', '-n', namespace]);
    assert.match(before.out, new RegExp(`^switch in ${namespace}: run \\(there is no ConfigMap`));
    const dry = await openfero(env, ['stop', '--dry-run', '-n', namespace]);
    assert.deepEqual([dry.code, dry.out.startsWith('would be written: ')], [0, true]);
    assert.match((await openfero(env, ['status', '-n', namespace])).out, /: run \(there is no/);

    // The workers say in which namespace it belongs.
    const stopped = await openfero(env, ['stop']);
    assert.equal(stopped.code, 0, stopped.err);
    assert.equal(stopped.out, 'in force on all 2 workers: none creates Jobs');
    for (const worker of workers) {
      await worker.waitForLine(({ msg }) => msg.startsWith('OpenFero is off'));
    }
    const status = await openfero(env, ['status']);
    assert.equal(status.code, 1);
    assert.equal(status.out.match(/^worker .*: off \(/gm)?.length, 2, status.out);

    const resumed = await openfero(env, ['resume']);
    assert.equal(resumed.out, 'in force on all 2 workers: they create Jobs');
    assert.equal((await openfero(env, ['status'])).code, 0);
  });

  it('ends with 1 and the reason where a worker does not say so', async (t) => {
    const system = await startClusterSystem(t, plane);
    const { namespace } = system;
    const workers = await Promise.all([system.startWorker(), system.startWorker()]);
    await Promise.all(workers.map((worker) => worker.ready()));
    const env = { KUBECONFIG: plane.adminKubeconfig, REDIS_URL: system.redis.url };
    await openfero(env, ['status', '-n', namespace]);
    workers[0]?.kill('SIGSTOP');
    const { code, out, err } = await openfero(env, ['stop', '-n', namespace, '--timeout', '3']);
    workers[0]?.kill('SIGKILL');
    assert.equal(code, 1);
    assert.equal(out, 'not in force on every worker');
    assert.match(err, /^worker .*: run \(/m);
  });

  it('ends with 2 and the reason without rights, or in another namespace', async (t) => {
    const system = await startClusterSystem(t, plane);
    const { namespace } = system;
    const worker = await system.startWorker();
    await worker.ready();
    const redis = { REDIS_URL: system.redis.url };
    const nobody = {
      ...redis,
      KUBECONFIG: await plane.kubeconfig({ token: await plane.tokenFor(namespace, 'default') }),
    };
    const denied = await openfero(nobody, ['stop', '-n', namespace]);
    assert.equal(denied.code, 2);
    assert.match(denied.err, /cannot patch resource "configmaps"/);
    const admin = { KUBECONFIG: plane.adminKubeconfig };
    const elsewhere = await openfero({ ...redis, ...admin }, ['stop', '-n', 'default']);
    assert.equal(elsewhere.code, 2);
    assert.match(
      elsewhere.err,
      new RegExp(`the workers read the namespace ${namespace}, not default`),
    );
  });
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  at,
  type Cluster,
  type ControlPlane,
  configMapsPath,
  finishJob,
  jobsPath,
  openCluster,
  startControlPlane,
} from '../src/controlplane.ts';
import { withoutControlPlane } from '../src/describe-on-control-plane.ts';

/** The Job of the example: `template.labels` and the Pod's imagePullPolicy are unknown fields. */
const EXAMPLE_JOB = `apiVersion: batch/v1
kind: Job
metadata:
  name: openfero-kubequotaalmostfull-firing
  labels:
    app: openfero
spec:
  parallelism: 1
  completions: 1
  template:
      labels:
        app: openfero
      spec:
        containers:
        - name: python-job
          image: ubuntu:latest
          args:
          - bash
          - -c
          - |-
            echo "Hallo Welt"
        imagePullPolicy: Always
        restartPolicy: Never`;

describe('a control plane', await withoutControlPlane(), () => {
  let plane: ControlPlane;
  let namespace: string;
  let jobs: string;

  before(async () => {
    plane = await startControlPlane();
    namespace = await plane.createNamespace();
    jobs = jobsPath(namespace);
  });
  after(() => plane.stop());

  test("creates the example's Job with two warnings, and refuses it where validation is strict", async () => {
    const configMap = {
      metadata: { name: 'openfero-kubequotaalmostfull-firing', labels: { app: 'openfero' } },
      data: { KubeQuotaAlmostFull: EXAMPLE_JOB },
    };
    const operarius = await plane.request('POST', configMapsPath(namespace), configMap);
    assert.equal(operarius.status, 201);
    const manifest = at(operarius.body, 'data', 'KubeQuotaAlmostFull');

    const strict = await plane.request('POST', `${jobs}?fieldValidation=Strict`, manifest);
    assert.equal(strict.status, 400);
    const warned = await plane.request('POST', `${jobs}?fieldValidation=Warn`, manifest);
    assert.equal(warned.status, 201);
    assert.equal(warned.warnings.length, 2);
    assert.match(warned.warnings.join(), /spec\.template\.labels.*spec\.template\.spec\.imagePull/);
  });

  test('runs a Job to its end', async () => {
    const job = { namespace, name: 'short' };
    const made = await plane.request('POST', jobs, {
      metadata: { name: job.name },
      spec: {
        template: { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'b' }] } },
      },
    });
    assert.equal(made.status, 201);
    await finishJob(plane, job);
    const ended = await plane.request('GET', `${jobs}/short`);
    assert.equal(at(ended.body, 'status', 'succeeded'), 1);
  });

  test('authenticates a token and a client certificate, and authorises them', async () => {
    const token = await plane.tokenFor(namespace, 'worker');
    const byToken = await plane.kubeconfig({ token }, namespace);
    const byCertificate = await plane.kubeconfig({ user: 'alice', groups: ['ops'] });
    assert.equal(await whoIs(byToken), `system:serviceaccount:${namespace}:worker`);
    assert.equal(await whoIs(byCertificate), 'alice');
    const list = plane.kubectl(['get', 'jobs', `--kubeconfig=${byToken}`]);
    await assert.rejects(list, /Forbidden/);
  });

  test('reads YAML 1.1, as kubectl does', async () => {
    const yaml = 'kind: ConfigMap\napiVersion: v1\nmetadata: {name: a, generation: 0444}';
    const printed = await plane.kubectl(
      ['create', '-f', '-', '--dry-run=client', '--validate=false', '-o', 'json'],
      yaml,
    );
    assert.equal(at(JSON.parse(printed), 'metadata', 'generation'), 0o444);
  });

  test('is open to another process that knows its folder', async () => {
    const cluster = await openCluster(plane.folder);
    assert.equal((await cluster.request('GET', `/api/v1/namespaces/${namespace}`)).status, 200);
  });

  test('keeps its data when its API server is killed and restarted', async () => {
    await plane.killApiServer();
    await assert.rejects(plane.request('GET', '/readyz'));
    await plane.startApiServer();
    assert.equal((await plane.request('GET', `/api/v1/namespaces/${namespace}`)).status, 200);
  });

  async function whoIs(kubeconfig: string): Promise<unknown> {
    const printed = await plane.kubectl([
      'auth',
      'whoami',
      '-o',
      'json',
      `--kubeconfig=${kubeconfig}`,
    ]);
    return at(JSON.parse(printed), 'status', 'userInfo', 'username');
  }
});

describe('a control plane leaves nothing behind', await withoutControlPlane(), () => {
  test('after stop', async () => {
    const plane = await startControlPlane({ controllers: false });
    const pids = Object.values(plane.pids());
    assert.equal(pids.length, 2);
    await plane.stop();
    for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
    assert.ok(!existsSync(plane.folder));
    await plane.stop();
  });

  test('after a kill of the process that started it', { timeout: 60_000 }, async () => {
    const module = pathToFileURL(new URL('../src/controlplane.ts', import.meta.url).pathname).href;
    const script = `
      const { startControlPlane } = await import(${JSON.stringify(module)});
      console.log((await startControlPlane()).folder);
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [folder]: unknown[] = await once(createInterface({ input: child.stdout }), 'line');
    const cluster = await openCluster(String(folder));
    child.kill('SIGKILL');
    while (existsSync(cluster.folder) || (await listens(cluster))) await sleep(50);
  });

  /** Checks the port, since process ids may remain in a container that does not reap orphans. */
  function listens(cluster: Cluster): Promise<boolean> {
    return cluster.request('GET', '/readyz').then(
      () => true,
      (error: unknown) => at(error, 'code') !== 'ECONNREFUSED',
    );
  }
});

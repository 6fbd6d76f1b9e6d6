import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Cluster } from '@openfero/cluster/cluster';
import { placesKey } from '@openfero/core/redis/places';
import { definition, type JobParts } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import { verdictOn } from '../../src/remediation/verdict.ts';
import { deliveryBy, step } from '../attempt.ts';
import { createSandbox, runWorker, type Sandbox } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

/** The switch that puts a person before every Job. */
const ASK_ALWAYS = JSON.stringify({
  kind: 'ConfigMap',
  metadata: { name: 'openfero', annotations: { 'openfero.io/mode': 'approve' } },
});

/** A cluster in which Jobs can wait for a person. */
const waiting = (cluster: Cluster): Cluster => ({
  ...cluster,
  jobs: { ...cluster.jobs, canWait: true },
});

/** What became of an alert, in words. */
async function attempt(sandbox: Sandbox): Promise<string> {
  const delivery = await deliveryBy(sandbox, remediation('Disk'));
  try {
    const done = await step(sandbox, delivery, waiting);
    return done.kind === 'end' ? done.result.outcome : done.kind;
  } catch (error) {
    const verdict = verdictOn(error);
    return verdict.kind === 'terminal' ? `${verdict.failure}: ${verdict.message}` : verdict.kind;
  }
}

describe('a Job that other software would release', () => {
  const templates: readonly [what: string, job: JobParts, message: RegExp][] = [
    [
      'with the label of Kueue',
      { metadata: { labels: { 'kueue.x-k8s.io/queue-name': 'q' } } },
      /^invalid-operarius: .*the label kueue\.x-k8s\.io\/queue-name lets Kueue do it/,
    ],
    [
      'that another controller manages',
      { spec: { managedBy: 'example.com/other' } },
      /^invalid-operarius: .*spec\.managedBy is "example\.com\/other"/,
    ],
  ];
  for (const [what, job, message] of templates) {
    test(`${what}, runs until a person is put before all Jobs: then it is invalid`, async (t) => {
      const sandbox = await createSandbox(t, server.url);
      await sandbox.define('Disk', definition('Disk', { job }));
      assert.equal(await attempt(sandbox), 'created');
      const created = await sandbox.jobs();
      await sandbox.redis.flushall();
      await sandbox.define('switch', ASK_ALWAYS);
      assert.match(await attempt(sandbox), message);
      assert.deepEqual(await sandbox.jobs(), created);
      assert.equal(await sandbox.redis.zcard(placesKey(sandbox.prefix)), 0);
    });
  }
});

describe('where no Job can wait for a person, approve counts as dry-run', () => {
  for (const [by, policy] of [
    ['the annotation', { mode: 'approve' }],
    ['the ConfigMap openfero', {}],
  ] as const) {
    test(`by ${by}`, async (t) => {
      const sandbox = await createSandbox(t, server.url);
      await sandbox.define('Disk', definition('Disk', { policy }));
      if (by === 'the ConfigMap openfero') await sandbox.define('switch', ASK_ALWAYS);
      const worker = await runWorker(t, sandbox);
      const line = await worker.end(await sandbox.add(remediation('Disk')));
      assert.equal(line['outcome'], 'dry-run');
      assert.deepEqual(await sandbox.jobs(), []);
    });
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRedis } from '@openfero/testkit/redis';
import { LATER, remediation } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { pino } from 'pino';
import { createConsumer, stopConsuming } from '../../src/queue/consume.ts';
import { dependenciesOf } from '../attempt.ts';
import { createSandbox } from '../worker.ts';

test('a remediation whose Job was created just before Redis refused a command ends as created, even if its alert resolves then', async (t) => {
  const server = await startRedis();
  t.after(() => server.stop());
  const sandbox = await createSandbox(t, server.url);
  const { redis, queue } = sandbox;
  await sandbox.define('Disk');
  const given = remediation('Disk');
  const resolved = { status: 'resolved', endsAt: LATER, receivedAt: given.receivedAt + 1 } as const;
  const deps = await dependenciesOf(sandbox, ({ jobs, ...cluster }) => ({
    ...cluster,
    jobs: {
      ...jobs,
      async create(job, options) {
        const warnings = await jobs.create(job, options);
        await sandbox.receive(given, resolved);
        await redis.config('SET', 'min-replicas-to-write', '1');
        return warnings;
      },
    },
  }));
  const problems: unknown[] = [];
  /** Redis is mended before the remediation is put back. */
  const note = (error: unknown): boolean => {
    problems.push(error);
    return redis.config('SET', 'min-replicas-to-write', '0') !== undefined;
  };
  const consumer = createConsumer({
    ...{ redis, deps, log: pino({ level: 'silent' }) },
    watch: { note, problem: () => undefined, refusing: () => undefined, stop() {} },
    gate: { closed: () => undefined, suspect: async () => {}, apply() {}, steer() {}, stop() {} },
    ...{ onProgress() {}, onRetry() {}, onHeld() {} },
  });
  t.after(async () => {
    await stopConsuming(consumer, redis);
    await deps.cluster.close();
  });
  void consumer.run();
  const id = await sandbox.add(given);
  await until('it has ended', async () => (await queue.getJob(id))?.finishedOn !== undefined);
  assert.match(String(problems[0]), /NOREPLICAS/);
  assert.equal((await queue.getJob(id))?.returnvalue.outcome, 'created');
  assert.equal((await sandbox.jobs()).length, 1);
});

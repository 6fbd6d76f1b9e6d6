import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { jobName } from '@openfero/core/identity/job-name';
import { troubleOf } from '@openfero/core/identity/trouble';
import { readOperarius } from '@openfero/core/operarius';
import { configMap, type Definition, definition } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { readSettings } from '../../src/settings.ts';
import { createSandbox, runWorker, type Sandbox } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

const HOUR = 3_600_000;

describe('invalid-operarius, told with the place and what to do', () => {
  const cases: readonly (readonly [string, Definition, RegExp])[] = [
    [
      'YAML that is none',
      { data: { Disk: 'a: [' } },
      /ConfigMap default\/openfero-disk-firing, key Disk: /,
    ],
    [
      'a key that is missing',
      { data: { disk: 'x', other: 'y' } },
      /none of its data keys is Disk: found disk, other/,
    ],
    ['no data', { data: {} }, /it has no data: write the manifest/],
    [
      'a policy that does not parse',
      { policy: { cooldown: 'soon' } },
      /cooldown is "soon".* 1h30m/,
    ],
    [
      'an annotation that is unknown',
      { policy: { cooldwn: '1m' } },
      /did you mean openfero\.io\/cooldown\?/,
    ],
    ['a policy that is not a string', JSON.parse('{"policy":{"mode":false}}'), /put it in quotes/],
    [
      'repeat-after with dedup-by',
      { policy: { 'dedup-by': 'group', 'repeat-after': '1h' } },
      /repeat-after/,
    ],
    ['another namespace', { job: { metadata: { namespace: 'kube-system' } } }, /namespace/],
  ];
  for (const [name, of, message] of cases) {
    test(name, async (t) => {
      const sandbox = await createSandbox(t, server.url);
      await sandbox.define('Disk', definition('Disk', of));
      const worker = await runWorker(t, sandbox);

      const id = await sandbox.add(remediation('Disk'));
      const line = await worker.end(id);

      assert.equal(line['outcome'], 'invalid-operarius');
      assert.equal(line['operarius'], 'openfero-disk-firing');
      assert.match(String(line['reason']), message);
      const job = await sandbox.queue.getJob(id);
      assert.equal(await job?.getState(), 'failed');
      assert.equal(job?.failedReason, `invalid-operarius: ${line['reason']}`);
      assert.equal(await sandbox.redis.exists(`${sandbox.prefix}:places`), 0, 'it keeps no place');
    });
  }
});

test('rejected, where Jobs of others have all names of the episode', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const given = remediation('Disk');
  await sandbox.define('Disk');
  await foreignJobs(sandbox, given, 5);
  const worker = await runWorker(t, sandbox);

  const line = await worker.end(await sandbox.add(given));

  assert.equal(line['outcome'], 'rejected');
  assert.match(String(line['reason']), /give the template another name/);
  assert.equal((await sandbox.jobs()).length, 5);
});

test('a foreign Job of our name costs the next name, also for whoever comes again', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const given = remediation('Disk');
  await sandbox.define('Disk');
  const [first = ''] = await foreignJobs(sandbox, given, 1);
  const worker = await runWorker(t, sandbox);

  const { outcome, job } = await worker.end(await sandbox.add(given));

  assert.equal(outcome, 'created');
  assert.notEqual(job, first);
  assert.deepEqual(await sandbox.jobs(), [first, String(job)].sort());
  await sandbox.redis.del(await sandbox.redis.keys(`${sandbox.prefix}:memory:*`));
  const again = await worker.end(await sandbox.add(remediation('Disk')));
  assert.deepEqual([again['outcome'], again['job']], ['deduplicated', job]);
});

/** Files of nobody under the first names of an episode. */
async function foreignJobs(
  { env, jobsDir }: Sandbox,
  given: ReturnType<typeof remediation>,
  count: number,
): Promise<string[]> {
  const operarius = readOperarius(configMap('Disk'), 'Disk', readSettings(env).policy);
  assert.ok(operarius);
  const { troubleKey, episode } = troubleOf(given, operarius);
  const names = Array.from({ length: count }, (_, n) =>
    jobName('disk', { troubleKey, episode, n }),
  );
  await mkdir(jobsDir);
  for (const name of names) await writeFile(`${jobsDir}/${name}.yaml`, 'kind: Job\n');
  return names;
}

describe('expired', () => {
  test('when it was received longer than max-age ago', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk');
    const worker = await runWorker(t, sandbox);
    const line = await worker.end(
      await sandbox.add(remediation('Disk', { receivedAt: Date.now() - HOUR })),
    );
    assert.equal(line['outcome'], 'expired');
    assert.match(String(line['reason']), /^waited 3600 s, longer than max-age 15m$/);
    assert.equal(line['level'], 'error');
  });

  test('not when the same occurrence was received again since', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk');
    const given = remediation('Disk', { receivedAt: Date.now() - HOUR });
    await sandbox.receive(given, { receivedAt: Date.now() });
    const worker = await runWorker(t, sandbox);
    assert.equal((await worker.end(await sandbox.add(given)))['outcome'], 'created');
  });

  test('after attempts that failed, with what the last one failed of; retried, it runs', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk', definition('Disk', { policy: { 'max-age': '1s' } }));
    const worker = await runWorker(t, sandbox);
    await rm(sandbox.jobsDir, { recursive: true });

    const id = await sandbox.add(remediation('Disk'));
    const line = await worker.end(id);

    assert.equal(line['outcome'], 'expired');
    assert.match(
      String(line['reason']),
      /longer than max-age 1s; last error: cannot write .*ENOENT/,
    );
    const counted =
      'openfero_remediations_total{outcome="expired",operarius="openfero-disk-firing"}';
    assert.equal(await worker.metric(counted), 1, 'attempts that fail on the way are no ends');
    assert.equal(await sandbox.redis.zcard(`${sandbox.prefix}:places`), 0);

    await mkdir(sandbox.jobsDir);
    await (await sandbox.queue.getJob(id))?.retry();
    await worker.line((each) => each['remediation'] === id && each['outcome'] === 'created');
    assert.equal((await sandbox.jobs()).length, 1);
  });

  test('at twice max-age, where nobody can read whether it has a Job', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk', definition('Disk', { policy: { 'max-age': '1s' } }));
    const worker = await runWorker(t, sandbox);
    await rm(sandbox.jobsDir, { recursive: true });
    await writeFile(sandbox.jobsDir, 'no folder');

    const line = await worker.end(await sandbox.add(remediation('Disk')));

    assert.equal(line['outcome'], 'expired');
    assert.match(String(line['reason']), /^it may have a Job.*last error: cannot read .*ENOTDIR/);
  });
});

describe('unreadable', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['no JSON', '{"v":1'],
    ['nothing', ''],
    ['another shape', '{"v":1,"id":"x"}'],
    ['an older version', '{"v":0}'],
    ['a number', '7'],
  ];
  for (const [name, data] of cases) {
    test(`where the payload is ${name}, and the queue goes on`, async (t) => {
      const sandbox = await createSandbox(t, server.url);
      await sandbox.define('Disk');
      const id = await sandbox.add(remediation('Disk'));
      await sandbox.redis.hset(`${sandbox.prefix}:remediations:${id}`, 'data', data);
      const worker = await runWorker(t, sandbox);

      const line = await worker.end(id);

      assert.equal(line['outcome'], 'unreadable');
      assert.equal(line['operarius'], '');
      const next = remediation('Disk', { labels: { zone: 'dmz' } });
      assert.equal((await worker.end(await sandbox.add(next)))['outcome'], 'created');
      assert.deepEqual(
        worker.lines.filter(({ level }) => level === 'warn'),
        [],
      );
    });
  }
});

test('a newer payload waits for a newer worker: it neither fails nor counts an attempt', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk');
  const given = remediation('Disk');
  const id = await sandbox.add(given);
  const key = `${sandbox.prefix}:remediations:${id}`;
  await sandbox.redis.hset(key, 'data', '{"v":2,"everything":"else"}');
  const worker = await runWorker(t, sandbox);
  const isHeld = async (): Promise<boolean> =>
    (await sandbox.queue.getDelayedCount()) === 1 &&
    (await worker.metric('openfero_remediations_held{reason="newer-payload"}')) === 1;
  await until('held, for all to see', isHeld);

  const job = await sandbox.queue.getJob(id);
  assert.equal(job?.attemptsMade, 0);
  await job?.promote();
  await until('looked at again', async () => (await sandbox.redis.hget(key, 'ats')) === '2');
  await until('held again', isHeld);
  const said = worker.lines.filter(({ msg }) => msg.includes('newer'));
  assert.deepEqual(
    said.map(({ level, remediation: of, msg }) => [level, of, msg]),
    [['warn', id, "payload version 2 is newer than this worker's 1: it waits for a newer worker"]],
  );

  const repeat = { ...given, id: randomUUID() };
  assert.equal(await sandbox.add(repeat), repeat.id, 'it absorbs no repeat of its alert');
  assert.equal((await worker.end(repeat.id))['outcome'], 'created');

  await job?.updateData(given);
  await job?.promote();
  assert.equal((await worker.end(id))['outcome'], 'deduplicated');
});

describe('a person retries what failed', () => {
  test('and it runs once the definition is mended, however old it is', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk', definition('Disk', { policy: { cooldown: 'soon' } }));
    const worker = await runWorker(t, sandbox);
    const id = await sandbox.add(remediation('Disk', { receivedAt: Date.now() - HOUR }));
    await worker.end(id);
    await sandbox.define('Disk');
    await worker.line(({ msg }) => msg === 'operarii reloaded');

    await (await sandbox.queue.getJob(id))?.retry();

    await worker.line((each) => each['remediation'] === id && each['outcome'] === 'created');
    assert.equal((await sandbox.jobs()).length, 1);
  });

  test('and it expires again, counted from that retry and not from every look since', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    const policy = { 'max-age': '1s', 'max-active': '1' };
    await sandbox.define('Disk', definition('Disk', { policy }));
    const id = await sandbox.add(remediation('Disk', { receivedAt: Date.now() - HOUR }));
    const worker = await runWorker(t, sandbox);
    await worker.end(id);
    await sandbox.redis.zadd(`${sandbox.prefix}:places:openfero-disk-firing`, Date.now(), 'other');
    const job = await sandbox.queue.getJob(id);
    await job?.retry();
    const held = async (): Promise<boolean> => (await sandbox.queue.getDelayedCount()) === 1;
    await until('held', held);
    const { retriedAt } = (await sandbox.queue.getJob(id))?.data ?? {};
    await until('its max-age is over', async () => Date.now() > retriedAt + 1100);

    await job?.promote();

    const again = await worker.line(
      (each) => each['outcome'] === 'expired' && String(each['reason']).startsWith('waited 1 s'),
    );
    assert.equal(again['remediation'], id);
  });
});

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { definition } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { createSandbox, runWorker, type Sandbox } from './worker.ts';

const ENTRY = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url));
const HOURS = 3_600_000;

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

/** The command, as a person runs it. */
async function retry(
  { env }: Pick<Sandbox, 'env'>,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const run = promisify(execFile)(process.execPath, [ENTRY, 'retry', ...args], {
      env: { PATH: process.env['PATH'], ...env },
    });
    return { code: 0, ...(await run) };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'stdout' in error && 'stderr' in error)) {
      throw error;
    }
    const { code, stdout, stderr } = error;
    return { code: Number(code), stdout: String(stdout), stderr: String(stderr) };
  }
}

/** Two of Disk that failed hours after their receipt, one of Fan that is switched wrong too. */
async function broken(t: Parameters<typeof createSandbox>[0]) {
  const sandbox = await createSandbox(t, server.url);
  const wrong = { policy: { cooldown: 'soon' } };
  await sandbox.define('Disk', definition('Disk', wrong));
  await sandbox.define('Fan', definition('Fan', wrong));
  const worker = await runWorker(t, sandbox);
  const receivedAt = Date.now() - 5 * HOURS;
  const of = (alertname: string, instance: string) =>
    sandbox.add(remediation(alertname, { labels: { instance }, receivedAt }));
  const disks = await Promise.all(['a', 'b'].map((instance) => of('Disk', instance)));
  const fan = await of('Fan', 'a');
  for (const id of [...disks, fan]) {
    assert.equal((await worker.end(id))['outcome'], 'invalid-operarius');
  }
  return { sandbox, worker, disks, fan };
}

describe('openfero retry', () => {
  test('retries what failed for an operarius, hours later, once that is mended', async (t) => {
    const { sandbox, worker, disks, fan } = await broken(t);
    await sandbox.define('Disk', definition('Disk'));
    const isValid = 'openfero_operarius_valid{operarius="openfero-disk-firing"}';
    await until('the worker knows', async () => (await worker.metric(isValid)) === 1);
    const answer = await retry(sandbox, '--operarius', 'openfero-disk-firing');

    assert.equal(answer.code, 0, answer.stderr);
    assert.match(answer.stderr, /^retried: 2$/m);
    for (const id of disks) {
      assert.match(answer.stdout, new RegExp(`  ${id}  openfero-disk-firing  invalid-operarius: `));
      await worker.line((line) => line['remediation'] === id && line['outcome'] === 'created');
    }
    assert.equal(await sandbox.queue.getJobState(fan), 'failed');
    assert.equal((await sandbox.jobs()).length, 2);
  });

  test('with --dry-run lists what it would retry, and retries nothing', async (t) => {
    const { sandbox, disks, fan } = await broken(t);
    const { stdout, stderr } = await retry(sandbox, '--outcome', 'invalid-operarius', '--dry-run');

    assert.match(stderr, /^3 would be retried$/m);
    for (const id of [...disks, fan]) {
      assert.ok(stdout.includes(id));
      assert.equal(await sandbox.queue.getJobState(id), 'failed');
    }
  });

  test('takes only what both, operarius and outcome, are true of', async (t) => {
    const { sandbox } = await broken(t);
    const both = ['--operarius', 'openfero-fan-firing', '--outcome', 'rejected'];
    assert.match((await retry(sandbox, ...both)).stderr, /^retried: 0$/m);
  });

  const WRONG: readonly (readonly [what: string, args: string[], message: RegExp])[] = [
    ['nothing that says which', [], /^openfero: which ones\? Name --outcome, --operarius/],
    [
      'an outcome that is none',
      ['--outcome', 'tired'],
      /'tired' is invalid. Allowed choices are invalid/,
    ],
    ['an option that there is not', ['--all'], /unknown option '--all'/],
  ];
  for (const [what, args, message] of WRONG) {
    test(`says what is wrong with ${what}`, async () => {
      const { code, stderr } = await retry({ env: { REDIS_URL: server.url } }, ...args);
      assert.equal(code, 2);
      assert.match(stderr, message);
    });
  }

  test('says so where Redis is not there', async () => {
    const env = { REDIS_URL: 'redis://127.0.0.1:1' };
    const { code, stderr } = await retry({ env }, '--outcome', 'rejected');
    assert.equal(code, 2);
    assert.match(stderr, /Redis is not reachable/);
  });
});

import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  operariiClaimKey,
  operariiKey,
  type PublishedOperarius,
  readPublishedOperarius,
} from '@openfero/core/redis/published';
import { definition, jobManifest } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { until } from '@openfero/testkit/until';
import { createSandbox, runWorker, type Sandbox } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

async function published(
  { redis, prefix }: Sandbox,
  name: string,
): Promise<PublishedOperarius | undefined> {
  return readPublishedOperarius((await redis.hget(operariiKey(prefix), name)) ?? undefined);
}

/** Waits for what is published of an operarius. */
async function publishedWhen(
  sandbox: Sandbox,
  name: string,
  holds: (operarius: PublishedOperarius) => boolean,
): Promise<PublishedOperarius> {
  let found: PublishedOperarius | undefined;
  await until(`${name} is published`, async () => {
    found = await published(sandbox, name);
    return found !== undefined && holds(found);
  });
  return found ?? assert.fail();
}

const switchTo = (mode: string): string =>
  JSON.stringify({
    kind: 'ConfigMap',
    metadata: { name: 'openfero', annotations: { 'openfero.io/mode': mode } },
  });

test('of each operarius it is published whether it can run, its policy and its mode', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const job = JSON.stringify(jobManifest({ spec: { suspend: true } }));
  const policy = { cooldown: '90s', match: '{zone="a"}' };
  await sandbox.define('Disk', definition('Disk', { policy, data: { Disk: job } }));
  await sandbox.define('Broken', definition('Broken', { policy: { cooldown: 'soon' } }));
  const bare = { labels: { team: 'web' } };
  await sandbox.define('Bare', definition('Bare', { metadata: bare }));
  await runWorker(t, sandbox, { OPENFERO_MAX_AGE: '5m', OPENFERO_MATCH: 'cluster="x"' });

  const disk = await publishedWhen(sandbox, 'openfero-disk-firing', () => true);
  assert.equal(disk.problem, undefined);
  assert.match(disk.warnings.join(), /spec\.suspend is true/);
  assert.deepEqual(disk.policy, {
    'dedup-by': 'alert',
    cooldown: '1m30s',
    'repeat-after': 'never',
    'max-age': '5m',
    'max-active': '10',
    'max-runs': 'none',
    target: '',
    mode: 'run',
    match: '{cluster="x",zone="a"}',
    'run-if-resolved': 'false',
    'own-jobs': 'false',
    'only-after-firing': 'false',
    'max-repeats': '5/1d',
    'approval-timeout': '1h',
    'effect-within': '15m',
    'stop-after': '5',
    'stop-for': '1h',
  });
  assert.equal(disk.mode, 'run');
  assert.ok(Math.abs(disk.at - Date.now()) < 30_000);

  const broken = await publishedWhen(sandbox, 'openfero-broken-firing', () => true);
  assert.match(broken.problem ?? '', /cooldown is "soon"/);
  assert.deepEqual(broken.policy, {});
  const unlabelled = await publishedWhen(sandbox, 'openfero-bare-firing', () => true);
  assert.match(unlabelled.problem ?? '', /is not selected by app=openfero/);

  await sandbox.define('switch', switchTo('dry-run'));
  const switched = await publishedWhen(
    sandbox,
    'openfero-disk-firing',
    ({ mode }) => mode === 'dry-run',
  );
  assert.equal(switched.policy['mode'], 'run');
});

test('what changes is published again within seconds, and what is gone is removed', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const { redis, prefix } = sandbox;
  await sandbox.define('Disk', definition('Disk', { policy: { cooldown: 'soon' } }));
  await sandbox.define('Other');
  const worker = await runWorker(t, sandbox);
  const broken = await publishedWhen(sandbox, 'openfero-disk-firing', () => true);
  await publishedWhen(sandbox, 'openfero-other-firing', () => true);
  await sandbox.define('Disk');
  const mended = await publishedWhen(
    sandbox,
    'openfero-disk-firing',
    ({ problem }) => problem === undefined,
  );
  assert.notEqual(mended.resourceVersion, broken.resourceVersion);
  await rm(join(sandbox.operariiDir, 'Other.yaml'));
  await until('it is removed', async () =>
    (await redis.hkeys(operariiKey(prefix))).every((name) => name === 'openfero-disk-firing'),
  );
  await worker.stop();
});

test('a worker that starts says what others said, and removes what is gone meanwhile', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const { redis, prefix } = sandbox;
  await sandbox.define('Broken', definition('Broken', { policy: { cooldown: 'soon' } }));
  await sandbox.define('Gone');
  const first = await runWorker(t, sandbox);
  const before = await publishedWhen(sandbox, 'openfero-broken-firing', () => true);
  await publishedWhen(sandbox, 'openfero-gone-firing', () => true);
  await first.stop();
  await rm(join(sandbox.operariiDir, 'Gone.yaml'));
  // The minute of the first one is over.
  await redis.del(operariiClaimKey(prefix));
  await runWorker(t, sandbox);
  const again = await publishedWhen(sandbox, 'openfero-broken-firing', ({ at }) => at > before.at);
  assert.equal(again.problem, before.problem);
  await until('it is removed', async () => (await redis.hlen(operariiKey(prefix))) === 1);
});

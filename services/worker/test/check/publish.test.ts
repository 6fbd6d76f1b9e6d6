import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { DefinitionEntry } from '@openfero/core/history/entry';
import { parseEntry } from '@openfero/core/history/parse';
import { historyKey } from '@openfero/core/redis/history';
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

async function changesOf({ redis, prefix }: Sandbox): Promise<DefinitionEntry[]> {
  const entries = await redis.xrange(historyKey(prefix), '-', '+');
  return entries
    .map(([, fields]) => parseEntry(fields))
    .filter((entry) => entry?.kind === 'definition');
}

test('a change of an operarius is in the history and in the log: once over all workers', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk');
  await sandbox.define('Web');
  const workers = await Promise.all([1, 2, 3].map(() => runWorker(t, sandbox)));
  const changesWhen = async (count: number): Promise<DefinitionEntry[]> => {
    let found: DefinitionEntry[] = [];
    await until(`${count} changes`, async () => {
      found = await changesOf(sandbox);
      return found.length >= count;
    });
    return found;
  };
  const first = await changesWhen(2);
  assert.deepEqual(first.map(({ operarius }) => operarius).sort(), [
    'openfero-disk-firing',
    'openfero-web-firing',
  ]);
  const before = first.find(({ operarius }) => operarius === 'openfero-disk-firing')?.definition;
  assert.match(before ?? '', /^[0-9a-f]{10}$/);

  await sandbox.define('Disk', definition('Disk', { policy: { mode: 'off' } }));
  const [, , changed] = await changesWhen(3);
  assert.deepEqual(
    [changed?.operarius, changed?.before, changed?.mode, changed?.problem],
    ['openfero-disk-firing', before, 'off', undefined],
  );
  await sandbox.define('Disk', definition('Disk', { policy: { cooldown: 'soon' } }));
  const [, , , broken] = await changesWhen(4);
  assert.equal(broken?.before, changed?.definition);
  assert.match(broken?.problem ?? '', /cooldown/);
  await rm(join(sandbox.operariiDir, 'Disk.yaml'));
  const [, , , , gone] = await changesWhen(5);
  assert.deepEqual([gone?.before, gone?.definition], [broken?.definition, undefined]);

  // A worker that starts publishes all that it finds, and none of it is new.
  const late = await runWorker(t, sandbox);
  await until('it has published', async () => {
    const web = await published(sandbox, 'openfero-web-firing');
    await sandbox.redis.del(operariiClaimKey(sandbox.prefix));
    return web !== undefined && late.lines.length > 0;
  });
  await sandbox.define('Last');
  const all = await changesWhen(6);
  assert.equal(all.length, 6);
  const said = workers
    .concat(late)
    .flatMap(({ lines }) => lines)
    .filter(({ msg }) => /^operarius (is new|has changed|was removed)$/.test(msg));
  assert.equal(said.length, 6);
  const off = said.find(({ mode }) => mode === 'off');
  assert.deepEqual(
    [off?.['operarius'], off?.['before'], off?.['definition']],
    ['openfero-disk-firing', before, changed?.definition],
  );
});

test('what anyone wrote in place of an operarius changes nothing but that', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const hostile = ['[', '[]', 'null', '{"definition":{"a":1}}', '{"definition":"","x":""}'];
  for (const [index, text] of hostile.entries()) {
    await sandbox.redis.hset(operariiKey(sandbox.prefix), `openfero-h${index}-firing`, text);
    await sandbox.define(`H${index}`);
  }
  await runWorker(t, sandbox);
  await until(
    'all are published',
    async () => (await changesOf(sandbox)).length === hostile.length,
  );
  for (const { before } of await changesOf(sandbox)) assert.equal(before, undefined);
});

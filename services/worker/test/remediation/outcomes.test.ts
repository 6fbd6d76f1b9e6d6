import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { Remediation } from '@openfero/core/redis/remediation';
import { type Definition, definition } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { LATER, remediation } from '@openfero/testkit/remediations';
import { createSandbox, type Line, runWorker, type Sandbox } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

interface Case extends Definition {
  readonly env?: Readonly<Record<string, string>>;
  /** Before the worker starts. */
  readonly prepare?: (sandbox: Sandbox) => Promise<void>;
}

interface Ended {
  readonly line: Line;
  readonly sandbox: Sandbox;
}

/** The end of one remediation of the alert `Disk`. */
async function endOf(t: TestContext, given: Remediation, of: Case = {}): Promise<Ended> {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk', definition('Disk', of));
  await of.prepare?.(sandbox);
  const worker = await runWorker(t, sandbox, of.env);
  const line = await worker.end(await sandbox.add(given));
  return { line, sandbox };
}

const firing = (labels: Record<string, string> = {}): Remediation =>
  remediation('Disk', { labels });

async function assertNothing({ line, sandbox }: Ended, outcome: string): Promise<void> {
  assert.equal(line['outcome'], outcome, JSON.stringify(line));
  assert.deepEqual(await sandbox.jobs(), []);
  assert.deepEqual(
    await sandbox.redis.keys(`${sandbox.prefix}:memory:*`),
    [],
    'nothing is remembered',
  );
}

test('created: the Job is there, and the result names it', async (t) => {
  const given = firing({ zone: 'dmz' });
  const { line, sandbox } = await endOf(t, given);

  assert.equal(line['outcome'], 'created');
  assert.deepEqual(await sandbox.jobs(), [line['job']]);
  const job = await sandbox.queue.getJob(given.id);
  assert.deepEqual(job?.returnvalue, {
    outcome: 'created',
    operarius: 'openfero-disk-firing',
    reason: 'created',
    job: line['job'],
    definition: line['definition'],
    warnings: [],
  });
  const text = await sandbox.readJob(String(line['job']));
  assert.match(text, new RegExp(`remediation: ${given.id}`));
  assert.match(text, new RegExp(`openfero.io/definition: "?${line['definition']}"?$`, 'm'));
});

describe('no-operarius', () => {
  test('where there is no ConfigMap of that name', async (t) => {
    const { line, sandbox } = await endOf(t, remediation('Other'));
    await assertNothing({ line, sandbox }, 'no-operarius');
    assert.match(String(line['reason']), /openfero-other-firing/);
    assert.equal(line['operarius'], '');
  });

  test('where the ConfigMap has not the label', async (t) => {
    const ended = await endOf(t, firing(), { metadata: { labels: { app: 'other' } } });
    await assertNothing(ended, 'no-operarius');
  });

  test('where the ConfigMap is for another alert of a similar name', async (t) => {
    const ended = await endOf(t, firing(), { policy: { alertname: 'disk' } });
    await assertNothing(ended, 'no-operarius');
    assert.match(String(ended.line['reason']), /another alert/);
  });

  test('where it fires and the definition is for resolved', async (t) => {
    await assertNothing(await endOf(t, firing(), { status: 'resolved' }), 'no-operarius');
  });
});

describe('not-matched', () => {
  const both = { env: { OPENFERO_MATCH: 'zone="dmz"' }, policy: { match: 'stage!="prod"' } };

  test('unless OPENFERO_MATCH and the annotation both match', async (t) => {
    const wrong = [{ zone: 'dmz', stage: 'prod' }, { zone: 'lan', stage: 'dev' }, {}];
    for (const labels of wrong) {
      const ended = await endOf(t, firing(labels), both);
      await assertNothing(ended, 'not-matched');
      assert.equal(ended.line['operarius'], 'openfero-disk-firing');
    }
    const { line } = await endOf(t, firing({ zone: 'dmz', stage: 'dev' }), both);
    assert.equal(line['outcome'], 'created');
  });
});

describe('own-job', () => {
  const shaped = { pod: 'disk-0123456789-x7k2p', namespace: 'default' };

  test('by job_name, of a Job that the cluster knows', async (t) => {
    const labels = { job_name: 'any-name', namespace: 'default' };
    const ended = await endOf(t, firing(labels), {
      prepare: async ({ jobsDir }) => {
        await mkdir(jobsDir);
        await writeFile(`${jobsDir}/any-name.yaml`, 'kind: Job\n');
      },
    });
    assert.equal(ended.line['outcome'], 'own-job');
    assert.match(String(ended.line['reason']), /any-name/);
  });

  test("by pod, of our names' shape with the prefix of a known operarius", async (t) => {
    await assertNothing(await endOf(t, firing(shaped)), 'own-job');
    const other = { ...shaped, pod: 'other-0123456789-x7k2p' };
    assert.equal((await endOf(t, firing(other))).line['outcome'], 'created');
  });

  test('only in the namespace of the Jobs', async (t) => {
    const elsewhere = { ...shaped, namespace: 'kube-system' };
    assert.equal((await endOf(t, firing(elsewhere))).line['outcome'], 'created');
    const env = { OPENFERO_JOB_NAMESPACE: 'kube-system' };
    await assertNothing(await endOf(t, firing(elsewhere), { env }), 'own-job');
  });

  /** A Job of this name exists, made by OpenFero. */
  const known: Case = {
    prepare: async ({ jobsDir }) => {
      await mkdir(jobsDir);
      await writeFile(`${jobsDir}/any-name.yaml`, 'kind: Job\n');
    },
  };

  test('by a name that the cluster knows, in each of the usual labels, whatever the namespace', async (t) => {
    const given: readonly Record<string, string>[] = [
      { job_name: 'any-name', namespace: 'monitoring', exported_namespace: 'default' },
      { job_name: 'any-name', namespace: 'monitoring' },
      { job_name: 'any-name' },
      { job_name: 'other', exported_job_name: 'any-name', namespace: 'monitoring' },
      { job: 'kube-state-metrics', exported_job: 'any-name' },
      { job: 'any-name' },
      { pod: 'any-name-x7k2p', namespace: 'monitoring' },
      { pod: 'kube-state-metrics-0', exported_pod: 'any-name-12-x7k2p' },
    ];
    for (const labels of given) {
      const { line } = await endOf(t, firing(labels), known);
      assert.deepEqual([line['outcome'], labels], ['own-job', labels]);
      assert.match(String(line['reason']), /any-name/);
    }
  });

  test('by the shape of the name alone only where the namespace may be that of the Jobs', async (t) => {
    const { pod } = shaped;
    await assertNothing(await endOf(t, firing({ pod })), 'own-job');
    const exported = { pod, namespace: 'monitoring', exported_namespace: 'default' };
    await assertNothing(await endOf(t, firing(exported)), 'own-job');
    const foreign = { pod, namespace: 'default', exported_namespace: 'shop' };
    assert.equal((await endOf(t, firing(foreign))).line['outcome'], 'created');
  });

  test('not where the operarius says own-jobs: "true"', async (t) => {
    const { line } = await endOf(t, firing(shaped), { policy: { 'own-jobs': 'true' } });
    assert.equal(line['outcome'], 'created');
  });
});

describe('superseded', () => {
  const given = firing();
  const resolved = (sandbox: Sandbox): Promise<void> =>
    sandbox.receive(given, {
      status: 'resolved',
      endsAt: LATER,
      receivedAt: given.receivedAt + 1,
    });

  test('by a resolution that was received later', async (t) => {
    await assertNothing(await endOf(t, given, { prepare: resolved }), 'superseded');
  });

  test('not by a resolution of another alert, though its sender gave it the same fingerprint', async (t) => {
    const other = { ...given, alert: { ...given.alert, labels: { alertname: 'Other' } } };
    const prepare = (sandbox: Sandbox): Promise<void> =>
      sandbox.receive(other, {
        status: 'resolved',
        endsAt: LATER,
        receivedAt: given.receivedAt + 1,
      });
    const { line } = await endOf(t, given, { prepare });
    assert.equal(line['outcome'], 'created');
  });

  test('not where the operarius says run-if-resolved: "true"', async (t) => {
    const policy = { 'run-if-resolved': 'true' };
    const { line } = await endOf(t, given, { prepare: resolved, policy });
    assert.equal(line['outcome'], 'created');
  });
});

describe('off', () => {
  const cases: readonly (readonly [string, Case, RegExp])[] = [
    ['by OPENFERO_MODE', { env: { OPENFERO_MODE: 'off' } }, /OPENFERO_MODE/],
    ['by its own annotation', { policy: { mode: 'off' } }, /openfero-disk-firing/],
    [
      'by the ConfigMap openfero, which needs no label',
      { prepare: (sandbox) => sandbox.define('switch', globalSwitch('off')) },
      /ConfigMap openfero /,
    ],
    [
      'by the ConfigMap openfero that is misspelt',
      {
        prepare: (sandbox) =>
          sandbox.define(
            'switch',
            globalSwitch('run').replace('openfero.io/mode', 'openfero/mode'),
          ),
      },
      /ConfigMap openfero .*openfero\/mode is unknown, and so counts as off/,
    ],
    [
      'by the strictest of the three',
      { env: { OPENFERO_MODE: 'dry-run' }, policy: { mode: 'off' } },
      /openfero-disk-firing/,
    ],
  ];
  for (const [name, of, reason] of cases) {
    test(name, async (t) => {
      const ended = await endOf(t, firing(), of);
      await assertNothing(ended, 'off');
      assert.match(String(ended.line['reason']), reason);
    });
  }
});

function globalSwitch(mode: string): string {
  const annotations = { 'openfero.io/mode': mode };
  return JSON.stringify({ kind: 'ConfigMap', metadata: { name: 'openfero', annotations } });
}

describe('dry-run', () => {
  test('shows the Job it would have created, in the result and not in the log', async (t) => {
    const given = firing();
    const { line, sandbox } = await endOf(t, given, { policy: { mode: 'dry-run' } });
    await assertNothing({ line, sandbox }, 'dry-run');
    const { manifest } = (await sandbox.queue.getJob(given.id))?.returnvalue ?? {};
    assert.equal(manifest.kind, 'Job');
    assert.equal(manifest.metadata.annotations['openfero.io/remediation'], given.id);
    assert.equal(line['manifest'], undefined, 'its text is hostile and without bounds');
    assert.deepEqual(await sandbox.redis.keys(`${sandbox.prefix}:places*`), []);
  });

  test('leaves no memory: the same alert runs once the mode is run', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk', definition('Disk', { policy: { mode: 'dry-run' } }));
    const worker = await runWorker(t, sandbox);
    assert.equal((await worker.end(await sandbox.add(firing())))['outcome'], 'dry-run');
    await sandbox.define('Disk');
    await worker.line(({ msg }) => msg === 'operarii reloaded');
    assert.equal((await worker.end(await sandbox.add(firing())))['outcome'], 'created');
  });

  test('says so where the Job is there already', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk');
    const worker = await runWorker(t, sandbox);
    const { job } = await worker.end(await sandbox.add(firing()));
    await sandbox.define('Disk', definition('Disk', { policy: { mode: 'dry-run' } }));
    await worker.line(({ msg }) => msg === 'operarii reloaded');
    const line = await worker.end(await sandbox.add(firing()));
    assert.equal(line['outcome'], 'dry-run');
    assert.equal(line['reason'], `would create no Job: ${job} already exists`);
  });
});

describe('what is checked first', () => {
  test('off comes before own-job, not-matched and superseded', async (t) => {
    const labels = { pod: 'disk-0123456789-x7k2p', namespace: 'default' };
    const policy = { mode: 'off', match: 'zone="dmz"' };
    await assertNothing(await endOf(t, firing(labels), { policy }), 'off');
    const own = await endOf(t, firing(labels), { policy: { match: 'zone="dmz"' } });
    await assertNothing(own, 'own-job');
  });

  test('superseded comes before expired, and expired before dry-run', async (t) => {
    const old = remediation('Disk', { receivedAt: Date.now() - 3_600_000 });
    const policy = { mode: 'dry-run' };
    assert.equal((await endOf(t, old, { policy })).line['outcome'], 'expired');
    const prepare = (sandbox: Sandbox): Promise<void> =>
      sandbox.receive(old, { status: 'resolved', endsAt: LATER, receivedAt: old.receivedAt + 1 });
    await assertNothing(await endOf(t, old, { policy, prepare }), 'superseded');
  });

  test('a wrong definition comes before off', async (t) => {
    const of = { policy: { cooldown: 'soon' }, env: { OPENFERO_MODE: 'off' } };
    assert.equal((await endOf(t, firing(), of)).line['outcome'], 'invalid-operarius');
  });
});

import assert from 'node:assert/strict';
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { JobManifest } from '@openfero/core/kubernetes';
import { InvalidSetting } from '@openfero/service/settings';
import { definition } from '@openfero/testkit/operarii';
import { until } from '@openfero/testkit/until';
import { pino } from 'pino';
import { type Cluster, ClusterError, type EndedJob } from '../src/cluster.ts';
import { createDirectoryCluster } from '../src/directory/cluster.ts';
import { parseSelector } from '../src/directory/selector.ts';
import { readClusterSettings } from '../src/settings.ts';

interface Given {
  readonly cluster: Cluster;
  readonly operariiDir: string;
  readonly jobsDir: string;
  /** The lines of its log. */
  readonly log: string[];
  /** Writes a file that is complete, or is still being written. */
  write(name: string, text: string, how?: 'at rest' | 'in the future'): Promise<void>;
}

async function given(t: TestContext, files: Readonly<Record<string, string>> = {}): Promise<Given> {
  const folder = await mkdtemp(join(tmpdir(), 'openfero-directory-'));
  const operariiDir = join(folder, 'operarii');
  const jobsDir = join(folder, 'jobs');
  await mkdir(operariiDir);
  const write: Given['write'] = async (name, text, how = 'at rest') => {
    const path = join(operariiDir, name);
    await writeFile(path, text);
    const ahead = how === 'at rest' ? -10 : 3600;
    const seconds = Date.now() / 1000 + ahead;
    await utimes(path, seconds, seconds);
  };
  for (const [name, text] of Object.entries(files)) await write(name, text);
  const log: string[] = [];
  const logger = pino({}, { write: (line) => void log.push(String(JSON.parse(line).msg)) });
  const settings = readClusterSettings({
    OPENFERO_CLUSTER: 'directory',
    OPENFERO_OPERARII_DIR: operariiDir,
    OPENFERO_JOBS_DIR: jobsDir,
  });
  assert.ok(settings.cluster.kind === 'directory');
  const cluster = await createDirectoryCluster(settings, settings.cluster, logger);
  t.after(async () => {
    await cluster.close();
    await rm(folder, { recursive: true });
  });
  return { cluster, operariiDir, jobsDir, log, write };
}

const names = ({ cluster }: Given): string[] =>
  [...cluster.operarii.all()].map(({ metadata }) => metadata.name);

const logged = ({ log }: Given, part: RegExp): Promise<void> =>
  until(String(part), async () => log.some((line) => part.test(line)));

describe('the folder of operarii', () => {
  test('contains .yaml and .yml files of one or several documents', async (t) => {
    const two = `${definition('A')}\n---\n${definition('B', { status: 'resolved' })}\n`;
    const own = await given(t, { 'two.yaml': two, 'one.yml': definition('C'), 'no.txt': 'x' });
    assert.deepEqual(names(own).sort(), [
      'openfero-a-firing',
      'openfero-b-resolved',
      'openfero-c-firing',
    ]);
  });

  test('may contain other objects, and logs a warning about ConfigMaps of other namespaces', async (t) => {
    const other = definition('B', { metadata: { name: 'b', namespace: 'other' } });
    const account = JSON.stringify({ kind: 'ServiceAccount', metadata: { name: 'x' } });
    const own = await given(t, { 'a.yaml': [definition('A'), other, account].join('\n---\n') });
    assert.deepEqual(names(own), ['openfero-a-firing']);
    assert.ok(
      own.log.includes(
        'a.yaml: ConfigMap b is ignored: its namespace is other, not default (OPENFERO_CONFIGMAP_NAMESPACE)',
      ),
    );
  });

  test('uses the last of two ConfigMaps with the same name, and logs it', async (t) => {
    const of = { data: { A: 'second' } };
    const own = await given(t, { '1.yaml': definition('A'), '2.yaml': definition('A', of) });
    assert.equal(own.cluster.operarii.get('openfero-a-firing')?.data?.['A'], 'second');
    assert.ok(
      own.log.includes(
        '2.yaml: ConfigMap openfero-a-firing is defined more than once: this definition is used, remove the others',
      ),
    );
  });

  test('is read every second: files may be added, changed and removed', async (t) => {
    const own = await given(t);
    const revision = own.cluster.operarii.revision();
    await own.write('a.yaml', definition('A'));
    await until('written', async () => names(own).length === 1);
    assert.notEqual(own.cluster.operarii.revision(), revision);
    await own.write('a.yaml', definition('B'));
    await until('changed', async () => names(own)[0] === 'openfero-b-firing');
    await rm(join(own.operariiDir, 'a.yaml'));
    await until('removed', async () => names(own).length === 0);
  });

  for (const [what, text] of [
    ['no YAML', 'kind: ConfigMap\nmetadata: ['],
    ['empty', ''],
    ['half of a ConfigMap that is good YAML', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n'],
    ['half of its kind', 'apiVersion: v1\n'],
  ] as const) {
    test(`keeps the earlier contents of a file while it is ${what}`, async (t) => {
      const own = await given(t, { 'a.yaml': definition('A') });
      await own.write('a.yaml', text);
      await logged(own, /^cannot load a\.yaml, its ConfigMaps from before stay in effect: /);
      assert.deepEqual(names(own), ['openfero-a-firing']);
      assert.equal(own.cluster.blocked(), undefined);
    });
  }

  test('ignores a file that is being written, since half of a manifest can be valid YAML', async (t) => {
    const own = await given(t, { 'a.yaml': definition('A') });
    const whole = definition('A', { data: { A: 'the whole of it' } });
    const seen = new Set<string | undefined>();
    for (let writes = 0; writes < 60; writes++) {
      await writeFile(join(own.operariiDir, 'a.yaml'), definition('A', { data: { A: 'half' } }));
      await new Promise((resolve) => setTimeout(resolve, 25));
      seen.add(own.cluster.operarii.get('openfero-a-firing')?.data?.['A']);
    }
    assert.equal(seen.has('half'), false);
    await own.write('a.yaml', whole, 'in the future');
    await until('whole', async () => {
      return own.cluster.operarii.get('openfero-a-firing')?.data?.['A'] === 'the whole of it';
    });
  });

  test('skips unreadable files, logs them, and reads the others', async (t) => {
    const own = await given(t, { 'a.yaml': definition('A') });
    await mkdir(join(own.operariiDir, 'folder.yaml'));
    await symlink('/nowhere', join(own.operariiDir, 'link.yaml'));
    await own.write('b.yaml', definition('B'));
    await until('b is read', async () => names(own).length === 2);
    await logged(own, /^cannot load folder\.yaml, it is ignored: EISDIR/);
    assert.equal(own.cluster.blocked(), undefined);
  });

  test('blocks while it is missing, and does not end the process', async (t) => {
    const own = await given(t, { 'a.yaml': definition('A') });
    await rm(own.operariiDir, { recursive: true });
    await until('blocked', async () => own.cluster.blocked() !== undefined);
    assert.match(
      String(own.cluster.blocked()),
      /cannot read the folder .* \(OPENFERO_OPERARII_DIR\): ENOENT/,
    );
    assert.deepEqual(names(own), ['openfero-a-firing']);
    await mkdir(own.operariiDir);
    await until('open', async () => own.cluster.blocked() === undefined);
  });
});

describe('OPENFERO_LABEL_SELECTOR of a folder', () => {
  const labels = { app: 'openfero', stage: 'dev' };
  for (const [selector, selects] of [
    ['app=openfero', true],
    ['app==openfero, stage=dev', true],
    ['app=openfero,stage=prod', false],
    ['stage!=prod', true],
    ['team!=a', true],
    ['stage!=dev', false],
    ['app', true],
    ['team', false],
    ['!team', true],
    ['!app', false],
  ] as const) {
    test(`${selector} ${selects ? 'selects' : 'excludes'}`, () => {
      assert.equal(parseSelector(selector)(labels), selects);
    });
  }

  test('is refused if it cannot be parsed', () => {
    for (const wrong of ['app in (a)', 'a=b,', '=b', 'a=b c', '!a=b']) {
      assert.throws(() => parseSelector(wrong), InvalidSetting, wrong);
    }
  });
});

describe('the folder of Jobs', () => {
  const job = (name: string, remediation = 'r'): JobManifest => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: 'default',
      labels: { 'openfero.io/operarius': 'op' },
      annotations: { 'openfero.io/remediation': remediation, 'openfero.io/dedup-key': 'key' },
    },
    spec: {},
  });
  const RUN = { dryRun: false };

  test('accepts one of several concurrent creates with the same name, with its complete text', async (t) => {
    const { cluster, jobsDir } = await given(t);
    const others = await given(t);
    const writers = Array.from({ length: 20 }, (_, i) => `r${i}`);
    const created = await Promise.allSettled(
      writers.map((writer) => cluster.jobs.create(job('a', writer), RUN)),
    );
    const winners = writers.filter((_, i) => created[i]?.status === 'fulfilled');
    assert.equal(winners.length, 1);
    for (const each of created) {
      if (each.status === 'fulfilled') continue;
      assert.ok(each.reason instanceof ClusterError);
      assert.deepEqual([each.reason.status, each.reason.reason], [409, 'AlreadyExists']);
    }
    const existing = await cluster.jobs.get('a');
    assert.deepEqual([existing?.remediation, existing?.dedupKey], [winners[0], 'key']);
    assert.deepEqual(await readdir(jobsDir), ['a.yaml'], 'no draft remains');
    assert.deepEqual(await readdir(others.jobsDir), []);
  });

  test('never shows a draft as a Job', async (t) => {
    const { cluster, jobsDir } = await given(t);
    const large = { ...job('large'), spec: { texts: Array(50_000).fill('x'.repeat(100)) } };
    const writing = cluster.jobs.create(large, RUN);
    const seen = new Set<string>();
    let done = false;
    void writing.then(() => {
      done = true;
    });
    while (!done) {
      for (const file of await readdir(jobsDir)) {
        if (!file.endsWith('.yaml')) continue;
        seen.add(file);
        assert.ok((await readFile(join(jobsDir, file))).length > 5_000_000);
      }
    }
    await writing;
    assert.deepEqual(
      [...seen].filter((file) => file !== 'large.yaml'),
      [],
    );
  });

  test('answers a dry run as an API server does, and writes nothing', async (t) => {
    const { cluster, jobsDir } = await given(t);
    assert.deepEqual(await cluster.jobs.create(job('a'), { dryRun: true }), []);
    assert.deepEqual(await readdir(jobsDir), []);
    await cluster.jobs.create(job('a'), RUN);
    await assert.rejects(cluster.jobs.create(job('a'), { dryRun: true }), /already exists/);
  });

  test('reports once that a Job has ended, as soon as it is written', async (t) => {
    const { cluster } = await given(t);
    const ended: unknown[] = [];
    cluster.jobs.onEnd((one) => ended.push(one));
    await cluster.jobs.create(job('a'), RUN);
    await assert.rejects(cluster.jobs.create(job('a'), RUN));
    assert.deepEqual(ended, [{ name: 'a', operarius: 'op' }]);
    assert.equal(cluster.jobs.isOurs('a'), true);
    assert.equal(cluster.jobs.isOurs('b'), false);
    assert.equal((await cluster.jobs.get('a'))?.finished, true);
  });

  test('reports how a Job ended once a file beside it says so', async (t) => {
    const { cluster, jobsDir } = await given(t);
    const ended: EndedJob[] = [];
    cluster.jobs.onEnd((one) => void (one.end !== undefined && ended.push(one)));
    for (const name of ['a', 'b']) await cluster.jobs.create(job(name), RUN);
    await writeFile(join(jobsDir, 'a.succeeded'), '');
    await writeFile(join(jobsDir, 'b.failed'), 'DeadlineExceeded\n');
    await writeFile(join(jobsDir, 'nobody.failed'), '');
    await until('both', () => ended.length === 2);
    const told = ended.map(({ name, operarius, end }) => [name, operarius, end?.fate, end?.reason]);
    assert.deepEqual(told.sort(), [
      ['a', 'op', 'succeeded', ''],
      ['b', 'op', 'failed', 'DeadlineExceeded'],
    ]);
    for (const { name, end } of ended) {
      const { createdAt = 0, endedAt = 0, uid = '', remediation } = end ?? {};
      assert.ok(createdAt <= endedAt && Date.now() - createdAt < 60_000);
      assert.equal(uid, `${name}-${createdAt}`);
      assert.equal(remediation, (await cluster.jobs.get(name))?.remediation);
    }
    assert.deepEqual([...cluster.jobs.ended()], ended);
  });

  test('uses the time of the file as the time of creation', async (t) => {
    const { cluster, jobsDir } = await given(t);
    await cluster.jobs.create(job('a'), RUN);
    await utimes(join(jobsDir, 'a.yaml'), 1000, 1000);
    assert.equal((await cluster.jobs.get('a'))?.createdAt, 1_000_000);
  });
});

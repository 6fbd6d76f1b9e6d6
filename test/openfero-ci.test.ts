import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { isObject } from '@openfero/core/kubernetes';
import { parseManifest } from '@openfero/core/yaml';
import { at } from '@openfero/testkit/controlplane';

const run = promisify(execFile);
const OPENFERO = `${process.execPath} ${resolve('packages/cli/src/main.ts')}`;
const CASES = resolve('packages/cli/test/cases');
const GOOD = join(CASES, 'disk-firing.yaml');

/** A repository with an operarius in `operarii/`. */
async function repository(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'openfero-ci-'));
  t.after(() => rm(folder, { recursive: true }));
  await run('git', ['init', '-q', folder]);
  await mkdir(join(folder, 'operarii'));
  await copyFile(GOOD, join(folder, 'operarii/disk-firing.yaml'));
  return folder;
}

const wrong = async (): Promise<string> =>
  (await readFile(GOOD, 'utf8')).replace('repeat-after: 5m', 'repeat-after: 5min');

/** The exit code and all output. */
async function shell(cwd: string, command: string): Promise<{ code: number; out: string }> {
  const env = { ...process.env, OPENFERO };
  try {
    const { stdout, stderr } = await run('bash', ['-c', command], { cwd, env });
    return { code: 0, out: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = isObject(error) ? error : {};
    return { code: Number(code), out: `${stdout}${stderr}` };
  }
}

describe('deploy/ci', () => {
  it('pre-commit: a commit of a wrong operarius is refused, whatever is in the working tree', async (t) => {
    const folder = await repository(t);
    await copyFile('deploy/ci/pre-commit', join(folder, '.git/hooks/pre-commit'));
    const commit =
      'git add -A && git -c user.name=a -c user.email=a@example.com commit -qm operarii';
    assert.deepEqual(
      [(await shell(folder, commit)).code, (await shell(folder, 'git log --oneline')).code],
      [0, 0],
    );
    // With a space in its name, and mended after git add.
    const path = join(folder, 'operarii', 'disk again.yaml');
    await writeFile(path, await wrong());
    await shell(folder, 'git add -A');
    await copyFile(GOOD, path);
    const refused = await shell(
      folder,
      'git -c user.name=a -c user.email=a@example.com commit -qm wrong',
    );
    assert.equal(refused.code, 1, refused.out);
    assert.match(refused.out, /disk again\.yaml:\d+: error policy: .*repeat-after/);
    assert.match((await shell(folder, 'git log --oneline')).out, /^\w+ operarii\n$/);
  });

  it('github.yaml: its checks pass, fail on a wrong operarius, and say in which line', async (t) => {
    const folder = await repository(t);
    await copyFile(join(CASES, 'disk.test.yaml'), join(folder, 'operarii/disk.test.yaml'));
    const steps = at(
      parseManifest(await readFile('deploy/ci/github.yaml', 'utf8')),
      ...(['jobs', 'check', 'steps'] as const),
    );
    assert.ok(Array.isArray(steps));
    const checks = steps
      .map((step) => String(at(step, 'run')))
      .filter((text) => text.startsWith('node openfero.mjs'))
      .map((text) => text.replace('node openfero.mjs', OPENFERO));
    assert.equal(checks.length, 2);
    for (const check of checks) {
      const { code, out } = await shell(folder, check);
      assert.equal(code, 0, out);
    }
    await writeFile(join(folder, 'operarii/disk-firing.yaml'), await wrong());
    const [lint = ''] = checks;
    const failed = await shell(folder, lint);
    assert.equal(failed.code, 1);
    assert.match(failed.out, /^::error file=operarii\/disk-firing\.yaml,line=\d+,title=/m);
  });
});

describe('README', () => {
  it('its first operarius is clean, and its test succeeds and exits with 1 where it is wrong', async (t) => {
    const readme = await readFile('README.md', 'utf8');
    const blocks = [...readme.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) => text);
    const [operarius = '', test = ''] = blocks;
    assert.match(readme, /```bash\nalias openfero='npm run --silent openfero --'/);
    const folder = await mkdtemp(join(tmpdir(), 'openfero-readme-'));
    t.after(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'kubequotaalmostfull-firing.yaml'), operarius);
    await writeFile(join(folder, 'kubequotaalmostfull.test.yaml'), test);
    for (const command of ['lint --strict .', 'test .']) {
      const { code, out } = await shell(folder, `$OPENFERO ${command}`);
      assert.equal(code, 0, out);
    }
    const wrong = join(folder, 'kubequotaalmostfull.test.yaml');
    await writeFile(wrong, test.replace('deduplicated', 'created'));
    assert.equal((await shell(folder, '$OPENFERO test .')).code, 1);
  });
});

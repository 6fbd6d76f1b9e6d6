import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { after, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { startRedis } from '@openfero/testkit/redis';

const run = promisify(execFile);
const CASES = resolve('packages/cli/test/cases');
const BUNDLE = resolve(process.env['OPENFERO_BUNDLES'] ?? 'dist', 'openfero.mjs');

/** The Node.js of this machine that is not ours: the oldest on PATH, from 20 on. */
function oldestNode(): string {
  const nodes = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'node'))
    .filter((node) => existsSync(node));
  const versions = nodes.map((node) => ({ node, major: majorOf(node) }));
  const [oldest] = versions.filter(({ major }) => major >= 20).sort((a, b) => a.major - b.major);
  return oldest?.node ?? process.execPath;
}

const majorOf = (node: string): number =>
  Number(execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).split('.')[0]);

const skip = existsSync(BUNDLE) ? false : 'no bundles: the global setup of the tests makes them';

describe('openfero.mjs', { skip }, () => {
  const node = oldestNode();

  it('is one file that needs nothing but Node.js', async () => {
    const { stdout } = await run(node, [BUNDLE, 'test', CASES], { cwd: tmpdir() });
    assert.equal(stdout.match(/^ok /gm)?.length, 3);
    const lint = await run(node, [BUNDLE, 'lint', CASES], { cwd: tmpdir() });
    assert.match(lint.stderr, /^1 operarius: 0 errors/);
  });

  it('is ready soon: the CPU time of a start, beside that of Node.js alone', async () => {
    const best = async (...args: string[]): Promise<number> => {
      const times: number[] = [];
      for (let i = 0; i < 5; i++) {
        const timed = 'TIMEFORMAT="%U %S"; time "$0" "$@" >/dev/null';
        const { stderr } = await run('bash', ['-c', timed, node, ...args]);
        times.push(stderr.split(' ').reduce((sum, text) => sum + Number(text), 0));
      }
      return Math.min(...times);
    };
    const nothing = await best('-e', '0');
    const version = await best(BUNDLE, '--version');
    // 1.4 here, and 2.5 where all of it is parsed. The tests run beside others, which slows both down.
    assert.ok(version < 2 * nothing, `${version} s, and ${nothing} s with node -e 0`);
    // 2.3 here, and 3 where the HTTP client and TypeBox are parsed.
    const lint = await best(BUNDLE, 'lint', '-q', CASES);
    assert.ok(lint < 3 * nothing, `${lint} s, and ${nothing} s with node -e 0`);
  });

  it('prints completion that bash takes', async () => {
    const { stdout } = await run(node, [BUNDLE, 'completion', 'bash']);
    const script = `${stdout}\nCOMP_WORDS=(openfero li) COMP_CWORD=1; _openfero; echo "\${COMPREPLY[*]}"
      COMP_WORDS=(openfero schema '') COMP_CWORD=2; _openfero; echo "\${COMPREPLY[*]}"`;
    const completed = await run('bash', ['-c', script]);
    assert.equal(completed.stdout, 'lint\noperarius job test --help\n');
    assert.match((await run(node, [BUNDLE, 'completion', 'zsh'])).stdout, /^#compdef openfero/);
  });
});

await describeOnControlPlane('openfero.mjs as a plugin of kubectl', (plane) => {
  it('answers to kubectl openfero', { skip }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'openfero-plugin-'));
    const redis = await startRedis();
    after(() => Promise.all([rm(folder, { recursive: true }), redis.stop()]));
    await symlink(BUNDLE, join(folder, 'kubectl-openfero'));
    const env = {
      ...process.env,
      PATH: `${folder}:${process.env['PATH']}`,
      KUBECONFIG: plane.adminKubeconfig,
      REDIS_URL: redis.url,
    };
    const plugin = (...args: string[]) =>
      run(join(plane.folder, 'kubectl'), ['openfero', ...args], { env });
    assert.match((await plugin('--version')).stdout, /^\d+\.\d+\.\d+$/m);
    // What is compiled only when it is used: the HTTP client, ioredis and BullMQ.
    const stopped = await plugin('stop', '--dry-run', '-n', 'default');
    assert.match(stopped.stdout, /^would be written: ConfigMap default\/openfero/);
    const retried = await plugin('retry', '--outcome', 'rejected', '--dry-run');
    assert.equal(retried.stderr, '0 would be retried\n');
  });
});

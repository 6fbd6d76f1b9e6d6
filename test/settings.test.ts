import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { serverOf, startService } from '@openfero/testkit/process';

const SERVICES = ['receiver', 'worker', 'dashboard'] as const;

/** Starts a service that must not start. @returns what it wrote to stderr, by line */
async function refusedStart(
  service: (typeof SERVICES)[number],
  env: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const started = await startService(serverOf(service), { HOST: '127.0.0.1', PORT: '0', ...env });
  assert.deepEqual(await started.exited, { code: 1, signal: null });
  assert.deepEqual(started.lines, []);
  return started.stderr;
}

const WRONG = {
  REDIS_URL: 'redis://:hidden@redis/openfero',
  REDIS_PASSWORD_FILE: '/nowhere',
  OPENFERO_QUEUE_PREFIX: 'a b',
  LOG_LEVEL: 'loud',
  PORT: 'http',
};

const OF_ONE = {
  receiver: { OPENFERO_BODY_LIMIT: '3MB', OPENFERO_MAX_WAITING: '-1', OPENFERO_AUTH: 'digest' },
  worker: {
    ...{ OPENFERO_CLUSTER: 'directory', OPENFERO_OPERARII_DIR: '', OPENFERO_JOBS_DIR: '' },
    ...{ OPENFERO_COOLDOWN: 'soon', OPENFERO_MATCH: '{', OPENFERO_JOB_TTL: 'never' },
    OPENFERO_LABEL_SELECTOR: 'app in (openfero)',
  },
  dashboard: { OPENFERO_AUTH: 'digest', OPENFERO_DASHBOARD_READ_ONLY: 'yes' },
} as const;

/** What is right, or only chooses which others are needed. */
const RIGHT = new Set(['OPENFERO_CLUSTER']);

describe('all settings that are wrong are told in one start, a line for each', () => {
  for (const service of SERVICES) {
    it(service, async () => {
      const env = { ...WRONG, ...OF_ONE[service] };
      const lines = await refusedStart(service, env);
      const named = lines.map((line) => line.slice(0, line.indexOf(':')));
      const wrong = Object.keys(env).filter((name) => !RIGHT.has(name));
      assert.deepEqual(named.toSorted(), wrong.toSorted());
      assert.doesNotMatch(lines.join(), /hidden/);
    });
  }
});

describe('REDIS_URL is refused before anything connects', () => {
  for (const url of ['redis://127.0.0.1:1/openfero', 'redis:127.0.0.1:1']) {
    for (const service of SERVICES) {
      it(`${url}, by the ${service}`, async () => {
        const directory = { OPENFERO_CLUSTER: 'directory', OPENFERO_OPERARII_DIR: '/tmp' };
        const env = { REDIS_URL: url, ...directory, OPENFERO_JOBS_DIR: '/tmp' };
        const [line = '', ...others] = await refusedStart(service, env);
        assert.match(line, /^REDIS_URL: \S+ \S+/);
        assert.deepEqual(others, []);
      });
    }
  }
});

it('credentials that are missing are all told', async () => {
  const lines = await refusedStart('receiver', {
    REDIS_URL: 'redis://redis',
    OPENFERO_AUTH: 'basic',
  });
  assert.match(lines.join('\n'), /^OPENFERO_AUTH_USER: .*\nOPENFERO_AUTH_PASSWORD: .*$/);
});

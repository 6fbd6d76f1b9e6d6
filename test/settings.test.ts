import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { SETTING_NAMES } from '@openfero/core/setting-names';
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
  receiver: {
    ...{ OPENFERO_BODY_LIMIT: '3MB', OPENFERO_MAX_WAITING: '-1', OPENFERO_AUTH: 'digest' },
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://me:hidden@collector',
  },
  worker: {
    ...{ OPENFERO_CLUSTER: 'directory', OPENFERO_OPERARII_DIR: '', OPENFERO_JOBS_DIR: '' },
    ...{ OPENFERO_COOLDOWN: 'soon', OPENFERO_MATCH: '{', OPENFERO_JOB_TTL: 'never' },
    OPENFERO_LABEL_SELECTOR: 'app in (openfero)',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector?token=hidden',
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

describe('the line of the start has the version and what is in force of the settings', () => {
  /** No service connects anywhere. */
  const NOWHERE = { REDIS_URL: 'redis://127.0.0.1:1', HOST: '127.0.0.1', PORT: '0' };
  const HIDDEN = 'hidden-away';
  const folders = { OPENFERO_OPERARII_DIR: '/tmp', OPENFERO_JOBS_DIR: '/tmp' };
  const directory = { OPENFERO_CLUSTER: 'directory', ...folders };
  const alertmanager = { OPENFERO_ALERTMANAGER_URL: 'http://127.0.0.1:1' };
  const basic = { OPENFERO_AUTH: 'basic', OPENFERO_AUTH_USER: 'anna' };
  const SECRETS = [
    ['receiver', { ...basic, OPENFERO_AUTH_PASSWORD: HIDDEN, REDIS_PASSWORD: HIDDEN }],
    ['receiver', { OPENFERO_AUTH: 'bearer', OPENFERO_AUTH_TOKEN: HIDDEN }],
    ['dashboard', { OPENFERO_AUTH: 'bearer', OPENFERO_AUTH_TOKEN: HIDDEN }],
    ['worker', { ...directory, REDIS_URL: `redis://me:${HIDDEN}@127.0.0.1:1` }],
    ['worker', { ...directory, ...alertmanager, OPENFERO_ALERTMANAGER_TOKEN: HIDDEN }],
    ...(['receiver', 'worker'] as const).map(
      (service) =>
        [
          service,
          {
            ...{ ...directory, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
            OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${HIDDEN}`,
          },
        ] as const,
    ),
    [
      'worker',
      {
        ...{ ...directory, ...alertmanager, OPENFERO_ALERTMANAGER_USER: 'me' },
        OPENFERO_ALERTMANAGER_PASSWORD: HIDDEN,
      },
    ],
  ] as const;

  /** What a service logs until it listens. */
  const linesOf = async (
    service: (typeof SERVICES)[number],
    env: Readonly<Record<string, string>>,
  ): Promise<readonly unknown[]> => {
    const started = await startService(serverOf(service), { ...NOWHERE, ...env });
    await started.waitForLine(({ msg }) => msg === 'starting');
    await started.url();
    await started.stop();
    return started.lines;
  };

  it('without a secret', async () => {
    const tried = SECRETS.flatMap(([, env]) => Object.keys(env));
    const secrets = [...SETTING_NAMES].filter((name) => /PASSWORD$|TOKEN$|SECRET$/.test(name));
    assert.deepEqual(
      secrets.filter((name) => !tried.includes(name)),
      [],
    );
    for (const [service, env] of SECRETS) {
      const lines = JSON.stringify(await linesOf(service, env));
      assert.ok(!lines.includes(HIDDEN), lines);
      assert.match(lines, /"\(set\)"/);
    }
  });

  it('with the defaults', async () => {
    const [line] = await linesOf('worker', { ...directory, OPENFERO_COOLDOWN: '90s' });
    const { version, settings } = Object(line);
    assert.match(version, /^\d+\.\d+\.\d+/);
    assert.equal(settings.concurrency, 64);
    assert.equal(settings.policy.cooldown, '1m30s');
    assert.equal(settings.policy['max-age'], '15m');
    assert.equal(settings.prefix, '{openfero}');
    const [receiver] = await linesOf('receiver', {});
    assert.equal(Object(receiver).settings.maxWaiting, 100_000);
    const [dashboard] = await linesOf('dashboard', {});
    assert.equal(Object(dashboard).settings.readOnly, true);
  });

  it('without the credentials of the cluster', async (t) => {
    const kubeconfig = join(await mkdtemp(join(tmpdir(), 'openfero-start-')), 'config');
    t.after(() => rm(dirname(kubeconfig), { recursive: true }));
    const named = { cluster: 'c', user: 'u', namespace: 'jobs' };
    await writeFile(
      kubeconfig,
      JSON.stringify({
        ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'x' },
        clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:1' } }],
        users: [{ name: 'u', user: { token: HIDDEN } }],
        contexts: [{ name: 'x', context: named }],
      }),
    );
    const lines = await linesOf('worker', { KUBECONFIG: kubeconfig });
    assert.match(JSON.stringify(lines[0]), /"server":"http:\/\/127\.0\.0\.1:1/);
    assert.ok(!JSON.stringify(lines).includes(HIDDEN));
  });
});

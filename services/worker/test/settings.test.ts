import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InvalidSetting } from '@openfero/service/settings';
import { readSettings } from '../src/settings.ts';

type Env = Readonly<Record<string, string>>;

const DIRECTORY: Env = {
  REDIS_URL: 'redis://redis',
  OPENFERO_CLUSTER: 'directory',
  OPENFERO_OPERARII_DIR: '/operarii',
  OPENFERO_JOBS_DIR: '/jobs',
};

test('by default: what the documentation says', () => {
  const settings = readSettings(DIRECTORY);
  const { prefix, port, labelSelector, maxActiveJobs, jobTtl, jobDeadline } = settings;
  assert.deepEqual(
    { prefix, port, labelSelector, maxActiveJobs, jobTtl, jobDeadline },
    {
      prefix: '{openfero}',
      port: 8081,
      labelSelector: 'app=openfero',
      maxActiveJobs: 50,
      jobTtl: 3600,
      jobDeadline: 3600,
    },
  );
  assert.deepEqual(settings.policy, {
    dedupBy: 'alert',
    cooldown: 600_000,
    repeatAfter: 'never',
    maxAge: 900_000,
    maxActive: 10,
    maxRuns: 'none',
    target: [],
    mode: 'run',
    match: [],
    runIfResolved: false,
    ownJobs: false,
    onlyAfterFiring: false,
    maxRepeats: { count: 5, within: 86_400_000 },
    approvalTimeout: 3_600_000,
    effectWithin: 900_000,
    stopAfter: 5,
    stopFor: 3_600_000,
  });
  assert.deepEqual(settings.configMapNamespace, 'default');
  assert.deepEqual(settings.jobNamespace, 'default');
  assert.ok(Object.isFrozen(settings));
});

test('the Jobs go where the ConfigMaps are, unless told otherwise', () => {
  const env = { ...DIRECTORY, OPENFERO_CONFIGMAP_NAMESPACE: 'operarii' };
  assert.equal(readSettings(env).jobNamespace, 'operarii');
  assert.equal(readSettings({ ...env, OPENFERO_JOB_NAMESPACE: 'jobs' }).jobNamespace, 'jobs');
});

test('0 leaves the fields of Jobs unset, and is no limit', () => {
  const zero = ['JOB_TTL', 'JOB_DEADLINE', 'MAX_ACTIVE_JOBS', 'MAX_ACTIVE_PER_OPERARIUS'];
  const env = Object.fromEntries(zero.map((name) => [`OPENFERO_${name}`, '0']));
  const { jobTtl, jobDeadline, maxActiveJobs, policy } = readSettings({ ...DIRECTORY, ...env });
  assert.deepEqual([jobTtl, jobDeadline, maxActiveJobs, policy.maxActive], [0, 0, 0, 0]);
});

describe('a wrong or missing value is told in one line that begins with its variable', () => {
  const wrong: readonly (readonly [name: string, env: Env])[] = [
    ['REDIS_URL', { REDIS_URL: '' }],
    ['REDIS_URL', { REDIS_URL: 'http://:secret@redis' }],
    ['OPENFERO_CLUSTER', { OPENFERO_CLUSTER: 'k3s' }],
    ['OPENFERO_OPERARII_DIR', { OPENFERO_OPERARII_DIR: '' }],
    ['OPENFERO_JOBS_DIR', { OPENFERO_JOBS_DIR: '' }],
    ['PORT', { PORT: 'http' }],
    ['LOG_LEVEL', { LOG_LEVEL: 'loud' }],
    ['OPENFERO_QUEUE_PREFIX', { OPENFERO_QUEUE_PREFIX: 'a b' }],
    ['OPENFERO_CONCURRENCY', { OPENFERO_CONCURRENCY: '0' }],
    ['OPENFERO_CONCURRENCY', { OPENFERO_CONCURRENCY: '1001' }],
    ['OPENFERO_CONCURRENCY', { OPENFERO_CONCURRENCY: 'many' }],
    ['OPENFERO_MODE', { OPENFERO_MODE: 'of' }],
    ['OPENFERO_MATCH', { OPENFERO_MATCH: '{zone=}~"' }],
    ['OPENFERO_MATCH', { OPENFERO_MATCH: 'zone=~"("' }],
    ['OPENFERO_DEDUP_BY', { OPENFERO_DEDUP_BY: 'pod' }],
    ['OPENFERO_COOLDOWN', { OPENFERO_COOLDOWN: '10' }],
    ['OPENFERO_COOLDOWN', { OPENFERO_COOLDOWN: '-1m' }],
    ['OPENFERO_REPEAT_AFTER', { OPENFERO_REPEAT_AFTER: 'always' }],
    ['OPENFERO_MAX_AGE', { OPENFERO_MAX_AGE: '15 m' }],
    ['OPENFERO_MAX_ACTIVE_JOBS', { OPENFERO_MAX_ACTIVE_JOBS: '-1' }],
    ['OPENFERO_MAX_ACTIVE_JOBS', { OPENFERO_MAX_ACTIVE_JOBS: '1.5' }],
    ['OPENFERO_MAX_ACTIVE_PER_OPERARIUS', { OPENFERO_MAX_ACTIVE_PER_OPERARIUS: 'ten' }],
    ['OPENFERO_JOB_TTL', { OPENFERO_JOB_TTL: '3600' }],
    ['OPENFERO_JOB_DEADLINE', { OPENFERO_JOB_DEADLINE: 'never' }],
    ['OPENFERO_REPEAT_AFTER', { OPENFERO_DEDUP_BY: 'group', OPENFERO_REPEAT_AFTER: '4h' }],
    ['OPENFERO_RAISE_ALERTS', { OPENFERO_RAISE_ALERTS: 'yes' }],
    ['OPENFERO_DASHBOARD_URL', { OPENFERO_DASHBOARD_URL: 'fero.example.com' }],
    ['OPENFERO_DASHBOARD_URL', { OPENFERO_DASHBOARD_URL: 'https://a:secret@fero/' }],
    ['OPENFERO_DASHBOARD_URL', { OPENFERO_DASHBOARD_URL: 'https://fero/?q=1' }],
    ['OPENFERO_COOLDOWN', { OPENFERO_DEDUP_BY: 'operarius', OPENFERO_COOLDOWN: '0s' }],
  ];
  for (const [name, env] of wrong) {
    test(JSON.stringify(env), () => {
      assert.throws(
        () => readSettings({ ...DIRECTORY, ...env }),
        (error) => {
          assert.ok(error instanceof InvalidSetting);
          assert.match(error.message, new RegExp(`^${name}: \\S+ .*$`));
          assert.doesNotMatch(error.message, /secret/);
          return true;
        },
      );
    });
  }
});

describe('the Alertmanagers', () => {
  const read = (env: Env) => readSettings({ ...DIRECTORY, ...env }).alertmanager;
  const URLS = 'OPENFERO_ALERTMANAGER_URL';

  test('are not asked unless they are named', () => {
    assert.equal(read({}), undefined);
  });

  test('are a list, each once and without a slash at its end', () => {
    const list = 'http://am-0:9093/, https://am.example.com/alertmanager,http://am-0:9093';
    const urls = ['http://am-0:9093', 'https://am.example.com/alertmanager'];
    assert.deepEqual(read({ [URLS]: list }), { urls });
  });

  test('take a login or a token', () => {
    const basic = { OPENFERO_ALERTMANAGER_USER: 'me', OPENFERO_ALERTMANAGER_PASSWORD: 'secret' };
    const url = { [URLS]: 'http://am' };
    assert.equal(read({ ...url, ...basic })?.authorization, 'Basic bWU6c2VjcmV0');
    const token = { OPENFERO_ALERTMANAGER_TOKEN: 'abc' };
    assert.equal(read({ ...url, ...token })?.authorization, 'Bearer abc');
  });

  const wrong: readonly (readonly [name: string, env: Env])[] = [
    [URLS, { [URLS]: 'alertmanager:9093' }],
    [URLS, { [URLS]: 'http://am,,http://am' }],
    [URLS, { [URLS]: 'http://me:secret@am' }],
    [URLS, { [URLS]: 'http://am/api/v2/alerts' }],
    ['OPENFERO_ALERTMANAGER_TOKEN', { OPENFERO_ALERTMANAGER_TOKEN: 'secret' }],
    ['OPENFERO_ALERTMANAGER_PASSWORD', { [URLS]: 'http://am', OPENFERO_ALERTMANAGER_USER: 'me' }],
    ['OPENFERO_ALERTMANAGER_TOKEN', { [URLS]: 'http://am', OPENFERO_ALERTMANAGER_TOKEN: 'a\nb' }],
    [
      'OPENFERO_ALERTMANAGER_CA_FILE',
      { [URLS]: 'http://am', OPENFERO_ALERTMANAGER_CA_FILE: '/ca' },
    ],
  ];
  for (const [name, env] of wrong) {
    test(`refuse ${JSON.stringify(env)}`, () => {
      assert.throws(
        () => read(env),
        ({ message }: Error) => {
          assert.ok(message.startsWith(`${name}: `), message);
          assert.doesNotMatch(message, /secret/);
          return true;
        },
      );
    });
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SETTING_NAMES } from '@openfero/core/setting-names';
import { readSettings as readDashboard } from '../../../services/dashboard/src/settings.ts';
import { readSettings as readReceiver } from '../../../services/receiver/src/settings.ts';
import { readSettings as readWorker } from '../../../services/worker/src/settings.ts';
import { type Environment, unknownSettings } from '../src/settings.ts';

const ENV = {
  REDIS_URL: 'redis://redis',
  OPENFERO_CLUSTER: 'directory',
  OPENFERO_OPERARII_DIR: '/operarii',
  OPENFERO_JOBS_DIR: '/jobs',
};

for (const [service, readSettings] of [
  ['receiver', readReceiver],
  ['worker', readWorker],
  ['dashboard', readDashboard],
] as const) {
  test(`no variable that the ${service} reads is reported as unknown`, () => {
    const read: Record<string, string> = {};
    const env = new Proxy<Environment>(ENV, {
      get(values, name) {
        read[String(name)] = '';
        return values[String(name)];
      },
    });

    readSettings(env);

    assert.ok('OPENFERO_QUEUE_PREFIX' in read);
    assert.deepEqual(unknownSettings(read, SETTING_NAMES), []);
  });
}

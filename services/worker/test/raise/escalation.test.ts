import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { raisedKey } from '@openfero/core/redis/raised';
import { missingAlertmanager, startAlertmanager } from '@openfero/testkit/alertmanager';
import { definition } from '@openfero/testkit/operarii';
import { startRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createAlertmanagers } from '../../src/alertmanager/ask.ts';
import { countAlertmanager } from '../../src/metrics/alertmanager.ts';
import { startPosting } from '../../src/raise/posting.ts';
import { createSandbox, runWorker } from '../worker.ts';
import { startWebhooks } from './webhooks.ts';

const skip = process.env['CI'] === 'true' ? false : missingAlertmanager();

/** deploy/alertmanager/alertmanager-escalation.yml with webhooks of the test, and short times. */
async function example(webhooks: string): Promise<string> {
  const file = '../../../../deploy/alertmanager/alertmanager-escalation.yml';
  const text = await readFile(new URL(file, import.meta.url), 'utf8');
  return text
    .replace(/- url: http:\S+/, `- url: ${webhooks}/openfero`)
    .replace('group_wait: 30s', 'group_wait: 50ms')
    .replace('group_interval: 5m', 'group_interval: 200ms')
    .replaceAll(/- name: (people|team-storage|pager) .*/g, (_line, name: string) => {
      return `- { name: ${name}, webhook_configs: [{ url: "${webhooks}/${name}" }] }`;
    });
}

describe('a remediation that fails', { skip, timeout: 60_000 }, () => {
  it('reaches its team once, then a second operarius, then the pager, and no further', async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    const sandbox = await createSandbox(t, redis.url);
    const { prefix } = sandbox;
    const names = ['Disk', 'DiskRemediationFailed', 'DiskRemediationFailedRemediationFailed'];
    for (const name of names) await sandbox.define(name, definition(name, { data: {} }));
    const added: Promise<string>[] = [];
    // In place of the receiver.
    const { url, notified } = await startWebhooks(t, ({ receiver, status, labels, startsAt }) => {
      if (receiver !== 'openfero' || status !== 'firing') return;
      const { alertname = '', ...others } = labels;
      const repeats = seen.size === seen.add(`${alertname} ${startsAt}`).size;
      if (!repeats) added.push(sandbox.add(remediation(alertname, { labels: others })));
    });
    const seen = new Set<string>();
    const alertmanager = await startAlertmanager({ config: await example(url) });
    t.after(() => alertmanager.stop());
    const urls = [alertmanager.url];
    const worker = await runWorker(t, sandbox, { OPENFERO_ALERTMANAGER_URL: alertmanager.url });
    // A second worker, which posts more often.
    const log = pino({ level: 'silent' });
    const counts = countAlertmanager(new Registry());
    const alertmanagers = createAlertmanagers({ urls }, log, counts, Number.NEGATIVE_INFINITY);
    const watch = { note: () => false };
    const options = { redis: sandbox.redis, prefix, alertmanagers, watch, log };
    const stop = startPosting(options, { look: 30, all: 300 });
    t.after(async () => {
      stop();
      await alertmanagers.close();
    });

    await alertmanager.post([{ labels: { alertname: 'Disk', team: 'storage' } }]);
    const got = (status: string): string[] =>
      notified
        .filter((each) => each.status === status && each.receiver !== 'openfero')
        .map(({ receiver, labels }) => `${receiver}: ${labels['alertname']}`);
    const told = [
      'team-storage: Disk',
      'team-storage: DiskRemediationFailed',
      'pager: DiskRemediationFailedRemediationFailed',
    ];
    await until('all are told', () => got('firing').length >= told.length);
    assert.deepEqual(got('firing'), told);
    assert.equal(added.length, 2, 'the last one does not come back');

    // Even if it did: there is no third suffix.
    const [, , third = ''] = names;
    const last = remediation(third, { labels: { team: 'storage' } });
    const end = await worker.end(await sandbox.add(last));
    assert.equal(end['outcome'], 'invalid-operarius');

    const endsAt = new Date().toISOString();
    await alertmanager.post([{ labels: { alertname: 'Disk', team: 'storage' }, endsAt }]);
    await until('all have resolved', () => got('resolved').length >= told.length);
    assert.deepEqual(got('resolved').toSorted(), told.toSorted());
    assert.deepEqual(got('firing'), told, 'each once, however often it was posted');
    assert.equal(await sandbox.redis.hlen(raisedKey(prefix)), 2);
  });
});

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { definition } from '@openfero/testkit/operarii';
import { serverOf, startService } from '@openfero/testkit/process';
import { scrape } from '@openfero/testkit/scrape';
import { Redis } from 'ioredis';
import { envOf, notificationOf, startSystem } from './system.ts';

/** The rules of the user in docs/redis.md. */
async function documentedRules(): Promise<readonly string[]> {
  const page = await readFile(new URL('../docs/redis.md', import.meta.url), 'utf8');
  const [, rules = ''] = /^ACL SETUSER openfero (.*)$/m.exec(page) ?? [];
  return rules.replace('PASSWORD', 'pw').split(' ');
}

it('the documented user of Redis has the rights that receiver, worker and dashboard need', async (t) => {
  const system = await startSystem(t);
  const owner = new Redis(system.redis.url);
  t.after(() => owner.disconnect());
  await owner.acl('SETUSER', 'openfero', ...(await documentedRules()));
  const env = { REDIS_URL: system.redis.url.replace('//', '//openfero:pw@') };
  await system.define('any.yaml', definition('Any'));
  await Promise.all([system.startReceiver(env), system.startWorker(env)]);
  await Promise.all([...system.receivers, ...system.workers].map((service) => service.ready()));
  const dashboard = await startService(serverOf('dashboard'), {
    ...envOf(system.redis.url),
    ...env,
    OPENFERO_DASHBOARD_READ_ONLY: 'false',
  });
  t.after(() => dashboard.stop());
  await dashboard.ready();

  const alerts = ['a', 'b', 'c'].map((instance) => ({ alertname: 'Any', instance }));
  assert.equal((await system.post(notificationOf(alerts))).status, 200);
  const ends = await system.ended(3);
  assert.deepEqual(new Set(ends.map((end) => end['outcome'])), new Set(['created']));
  const list = await fetch(`${await dashboard.url()}/queue/api/queues?activeQueue=remediations`);
  assert.equal(list.status, 200);

  const { value } = await scrape((await system.workers[0]?.url()) ?? '');
  for (const name of ['history_entries', 'history_skipped_total', 'jobs_cannot_start']) {
    assert.notEqual(value(`openfero_${name}`), undefined, name);
  }
  assert.equal(value('openfero_jobs_total', { operarius: '', fate: 'failed' }), 0);
  assert.equal(value('openfero_held_oldest_seconds', { reason: 'claimed' }), 0);
  const received = await scrape((await system.receivers[0]?.url()) ?? '');
  assert.equal(received.value('openfero_workers_alive'), 1);

  const lines = [...system.receivers, ...system.workers, dashboard].flatMap((each) => each.lines);
  const warnings = lines.filter(({ level }) => level === 'warn' || level === 'error');
  for (const { msg } of warnings) assert.match(msg, /^cannot check whether Redis can lose/);
});

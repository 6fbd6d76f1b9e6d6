import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { at, finishJob } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition } from '@openfero/testkit/operarii';
import { until } from '@openfero/testkit/until';
import { startClusterSystem } from './cluster-system.ts';
import { openfero } from './openfero.ts';

await describeOnControlPlane('openfero send', (plane) => {
  it('waits for the outcome and the fate; what was recorded is replayed with other definitions', async (t) => {
    const system = await startClusterSystem(t, plane);
    const [worker, receiver] = await Promise.all([system.startWorker(), system.startReceiver()]);
    await worker.ready();
    await system.define(definition('Disk'));
    await worker.waitForLine(({ msg }) => /^operarius is valid/.test(msg));
    const env = { REDIS_URL: system.redis.url };
    const url = ['--url', await receiver.url()];
    const disk = ['-l', 'alertname=Disk', '-l', 'node=a'];

    const sent = openfero(env, ['send', ...url, ...disk, '--wait', '--timeout', '60']);
    await until('a Job', async () => (await system.jobs()).length > 0);
    const [job] = await system.jobs();
    const name = String(at(job, 'metadata', 'name'));
    await finishJob(plane, { namespace: system.namespace, name });
    const { code, out, err } = await sent;
    assert.equal(code, 0, err);
    const id = out.split(' ')[0];
    assert.deepEqual(out.split('\n'), [
      `${id}  created: created (Job ${name})`,
      `${id}  Job ${name} succeeded`,
    ]);
    const other = await openfero(env, ['send', ...url, '-l', 'alertname=Other', '--wait']);
    assert.deepEqual([other.code, / no-operarius: /.test(other.out)], [1, true]);

    const list = await openfero(env, [
      'get',
      'remediations',
      '--operarius',
      'openfero-disk-firing',
    ]);
    assert.match(
      list.out,
      new RegExp(`${id} {2}created ${name} succeeded {2}firing {2}Disk {2}node=a`),
    );
    const lines = await openfero(env, ['get', 'remediations', '-o', 'jsonl', '--since', '1h']);
    assert.equal(lines.out.split('\n').length, 2);

    const folder = await mkdtemp(join(tmpdir(), 'openfero-replay-'));
    t.after(() => rm(folder, { recursive: true }));
    const [before, after] = [join(folder, 'old.yaml'), join(folder, 'new.yaml')];
    await writeFile(before, definition('Disk'));
    await writeFile(after, definition('Disk', { policy: { match: '{node!="a"}' } }));
    const same = await openfero({}, ['replay', '-', '-f', before], lines.out);
    assert.deepEqual([same.code, same.err], [0, '2 recorded alerts, 0 would end otherwise']);
    const args = ['replay', '-', '-f', after, '--against', before];
    const changed = await openfero({}, args, lines.out);
    assert.equal(changed.code, 1);
    assert.match(changed.out, /firing \{.*node="a".*\}: created -> not-matched: .*node!="a"$/);

    const operarii = await openfero(env, ['get', 'operarii']);
    assert.deepEqual(
      [operarii.code, operarii.out],
      [0, 'openfero-disk-firing  valid, run  last 24h: 1 created; Jobs: 1 succeeded'],
    );
  });

  it('says where it could not send, and what it is no record of', async () => {
    const away = await openfero({}, [
      'send',
      '--url',
      'http://127.0.0.1:65533',
      '-l',
      'alertname=A',
    ]);
    assert.equal(away.code, 2);
    assert.match(away.err, /cannot send to http:\/\/127\.0\.0\.1:65533: connect ECONNREFUSED/);
    const none = await openfero({}, ['replay', '-', '-f', 'packages/cli/test/cases'], '{"a":1}');
    assert.equal(none.code, 2);
    assert.match(none.err, /<stdin>: line 1 is no line of the history/);
  });
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ASKED, LABELS } from '@openfero/core/labels';
import { at, jobsPath } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { until } from '@openfero/testkit/until';
import { type AskedJob, ClusterError } from '../../src/cluster.ts';
import { accessOf, type Connected, connect } from './connect.ts';
import { exampleJob } from './objects.ts';

const ADMIN = { user: 'admin', groups: ['system:masters'] };

await describeOnControlPlane('a Job that waits for a person', (plane) => {
  let namespace: string;
  let connected: Connected;
  before(async () => {
    namespace = await plane.createNamespace();
    connected = await connect({ access: await accessOf(plane, ADMIN, namespace), namespace });
  });
  after(() => connected?.cluster.close());

  const pathOf = (name: string): string => `${jobsPath(namespace)}/${name}`;
  const read = async (name: string): Promise<unknown> =>
    (await plane.request('GET', pathOf(name))).body;

  /** @returns it as the watch shows it */
  async function waiting(name: string, spec = {}): Promise<AskedJob> {
    const job = exampleJob(name, namespace, { suspend: true, ...spec });
    const labels = { ...job.metadata.labels, [LABELS.approval]: ASKED };
    const marked = { ...job, metadata: { ...job.metadata, labels } };
    const { jobs } = connected.cluster;
    await jobs.create(marked, { dryRun: false });
    const find = (): AskedJob | undefined => [...jobs.asked()].find((one) => one.name === name);
    await until('it is asked about', () => find() !== undefined);
    return find() ?? assert.fail();
  }

  test('is neither released nor removed by a decision about an earlier version, or another Job', async () => {
    const { jobs } = connected.cluster;
    const decided = await waiting('changed');
    await plane.request('PATCH', pathOf('changed'), { metadata: { annotations: { a: 'b' } } });
    const now = at(await read('changed'), 'metadata', 'resourceVersion');
    const other = { ...decided, uid: decided.uid.replaceAll(/[1-9]/g, '0') };
    for (const each of [decided, { ...other, resourceVersion: String(now) }]) {
      for (const act of [() => jobs.release(each, 'ada'), () => jobs.remove(each)]) {
        // A uid is compared with the Job's, or never changes: 409 or 422.
        await assert.rejects(
          act,
          (error) => error instanceof ClusterError && [409, 422].includes(error.status ?? 0),
        );
      }
    }
    assert.equal(at(await read('changed'), 'spec', 'suspend'), true);
    assert.equal(at(await read('changed'), 'metadata', 'resourceVersion'), now);

    await jobs.remove({ ...decided, resourceVersion: String(now) });
    await until(
      'it is gone',
      async () => (await plane.request('GET', pathOf('changed'))).status === 404,
    );
  });

  test('has no pod before its release, and its deadline counts from there', async () => {
    const { jobs } = connected.cluster;
    await waiting('late', { activeDeadlineSeconds: 1 });
    const created = Date.parse(String(at(await read('late'), 'metadata', 'creationTimestamp')));
    await until('more than its deadline has passed', () => Date.now() > created + 3_000);
    const before = await read('late');
    assert.equal(at(before, 'status', 'startTime'), undefined);
    assert.equal(at(before, 'status', 'active'), undefined);
    const [asked] = [...jobs.asked()].filter(({ name }) => name === 'late');
    await jobs.release(asked ?? assert.fail(), 'ada');
    const conditions = async (): Promise<unknown[]> =>
      [at(await read('late'), 'status', 'conditions') ?? []].flat();
    await until('its deadline is over', async () =>
      (await conditions()).some((each) => at(each, 'reason') === 'DeadlineExceeded'),
    );
    const started = Date.parse(String(at(await read('late'), 'status', 'startTime')));
    assert.ok(started >= created + 2_000, 'whole seconds');
    assert.equal(
      at(await read('late'), 'metadata', 'annotations', 'openfero.io/approved-by'),
      'ada',
    );
  });
});

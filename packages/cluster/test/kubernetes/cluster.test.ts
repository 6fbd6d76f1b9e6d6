import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { at, configMapsPath, finishJob, jobsPath } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { until } from '@openfero/testkit/until';
import { ClusterError, type EndedJob } from '../../src/cluster.ts';
import { accessOf, type Connected, connect, forbid, workerIn } from './connect.ts';
import { exampleJob, writeConfigMap } from './objects.ts';

await describeOnControlPlane('a Kubernetes cluster', (plane) => {
  let namespace: string;
  let connected: Connected;

  before(async () => {
    namespace = await plane.createNamespace();
    const token = await workerIn(plane, namespace);
    connected = await connect({ access: await accessOf(plane, { token }, namespace), namespace });
  });
  after(async () => {
    await connected?.cluster.close();
  });

  /** @returns the error that a create ends with */
  const refusal = async (...job: Parameters<typeof exampleJob>): Promise<ClusterError> => {
    const error: unknown = await connected.cluster.jobs
      .create(exampleJob(...job), { dryRun: false })
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    assert.ok(error instanceof ClusterError, `a ClusterError, not ${String(error)}`);
    return error;
  };

  test('is not blocked after its lists are complete, with minimal rights', () => {
    assert.equal(connected.cluster.blocked(), undefined);
    const { configmaps = Number.NaN, jobs = Number.NaN } = connected.cluster.watchAges();
    assert.ok(configmaps < 10 && jobs < 10);
  });

  describe('finds ConfigMaps by its watch', () => {
    test("the example's, as written, and its changes", async () => {
      const { operarii } = connected.cluster;
      const name = 'openfero-kubequotaalmostfull-firing';
      const before = operarii.revision();
      await writeConfigMap(plane, namespace, name, { data: { KubeQuotaAlmostFull: 'kind: Job' } });
      await until('it is there', () => operarii.get(name) !== undefined);
      const found = operarii.get(name);
      assert.equal(found?.data?.['KubeQuotaAlmostFull'], 'kind: Job');
      assert.equal(found?.metadata.namespace, namespace);
      assert.ok(found?.metadata.uid && found.metadata.resourceVersion);
      assert.notEqual(operarii.revision(), before);
      assert.deepEqual(
        [...operarii.all()].map(({ metadata }) => metadata.name),
        [name],
      );

      await writeConfigMap(plane, namespace, name, { data: { KubeQuotaAlmostFull: 'changed' } });
      await until(
        'it has changed',
        () => operarii.get(name)?.data?.['KubeQuotaAlmostFull'] === 'changed',
      );
      await plane.request('DELETE', `${configMapsPath(namespace)}/${name}`);
      await until('it is gone', () => operarii.get(name) === undefined);
    });

    test('not without the label, and not after it is removed', async () => {
      const { operarii } = connected.cluster;
      await writeConfigMap(plane, namespace, 'other', { labels: { app: 'other' } });
      await writeConfigMap(plane, namespace, 'turncoat');
      await until('the labelled one is there', () => operarii.get('turncoat') !== undefined);
      assert.equal(operarii.get('other'), undefined);
      await writeConfigMap(plane, namespace, 'turncoat', { labels: { app: 'other' } });
      await until('it is gone', () => operarii.get('turncoat') === undefined);
    });

    test('the global switch, with any labels', async () => {
      const { operarii } = connected.cluster;
      const annotations = { 'openfero.io/mode': 'off' };
      await writeConfigMap(plane, namespace, 'openfero', { labels: {}, annotations });
      await until('it is off', () => operarii.globalSwitch() !== undefined);
      assert.equal(operarii.globalSwitch()?.metadata.annotations?.['openfero.io/mode'], 'off');
      await plane.request('DELETE', `/api/v1/namespaces/${namespace}/configmaps/openfero`);
      await until('it is gone', () => operarii.globalSwitch() === undefined);
    });
  });

  describe('creates Jobs', () => {
    test("the example's, and returns the server's two warnings", async () => {
      const { jobs } = connected.cluster;
      const warnings = await jobs.create(exampleJob('example', namespace), { dryRun: false });
      assert.deepEqual(warnings, [
        'unknown field "spec.template.labels"',
        'unknown field "spec.template.spec.imagePullPolicy"',
      ]);
      const { createdAt = 0, createdBefore = 0, ...made } = (await jobs.get('example')) ?? {};
      assert.ok(Math.abs(createdAt - Date.now()) < 60_000);
      assert.equal(createdBefore - createdAt, 1000, 'whole seconds');
      assert.deepEqual(made, {
        name: 'example',
        finished: false,
        remediation: 'a-remediation',
        dedupKey: 'a-key',
      });
      const { body } = await plane.request('GET', `${jobsPath(namespace)}/example`);
      assert.match(JSON.stringify(at(body, 'metadata', 'managedFields')), /"manager":"openfero"/);
    });

    test('and decodes warnings, with quotes and umlauts', async () => {
      const strange = { 'spéc "x" \\ ü': 1 };
      const warnings = await connected.cluster.jobs.create(
        exampleJob('warned', namespace, strange),
        {
          dryRun: true,
        },
      );
      assert.ok(
        warnings.some((text) => text === String.raw`unknown field "spec.spéc \"x\" \\ ü"`),
        warnings.join(),
      );
    });

    test('not in a dry run, with the same answers', async () => {
      const { jobs } = connected.cluster;
      assert.equal((await jobs.create(exampleJob('dry', namespace), { dryRun: true })).length, 2);
      assert.equal(await jobs.get('dry'), undefined);
    });

    test('many at once, with one request each and no list', async () => {
      const { cluster, requests } = connected;
      const before = new Map(requests);
      await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          cluster.jobs.create(exampleJob(`many-${n}`, namespace), { dryRun: false }),
        ),
      );
      const since = (key: string): number => (requests.get(key) ?? 0) - (before.get(key) ?? 0);
      assert.equal(since('create 201'), 50);
      assert.equal(since('list 200') + since('get 200') + since('watch 200'), 0);
    });

    test('not twice: AlreadyExists', async () => {
      await connected.cluster.jobs.create(exampleJob('twice', namespace), { dryRun: false });
      const { status, reason, message } = await refusal('twice', namespace);
      assert.deepEqual({ status, reason }, { status: 409, reason: 'AlreadyExists' });
      assert.equal(message, '409 AlreadyExists: jobs.batch "twice" already exists');
    });

    test('not if they are invalid: 422 with the reason, of at most 1,000 characters', async () => {
      const containers = Array.from({ length: 60 }, () => ({ name: 'Ä' }));
      const spec = { template: { spec: { restartPolicy: 'Never', containers } } };
      const { status, reason, message } = await refusal('invalid', namespace, spec);
      assert.deepEqual({ status, reason }, { status: 422, reason: 'Invalid' });
      assert.match(message, /spec\.template\.spec\.containers\[0\]\.name: Invalid value/);
      assert.ok(message.length > 900 && message.length < 1100, String(message.length));
    });

    test('not from something else: 400', async () => {
      const { status, reason, message } = await refusal('bad', namespace, { parallelism: 'many' });
      assert.deepEqual({ status, reason }, { status: 400, reason: 'BadRequest' });
      assert.match(message, /cannot unmarshal string/);
    });
  });

  describe('reports the end of a Job once', () => {
    const ends: EndedJob[] = [];
    const endsOf = (name: string): number => ends.filter((job) => job.name === name).length;
    before(() => connected.cluster.jobs.onEnd((job) => void ends.push(job)));

    const create = async (name: string): Promise<void> => {
      const { jobs } = connected.cluster;
      await jobs.create(exampleJob(name, namespace), { dryRun: false });
      await until('the watch knows it', () => jobs.isOurs(name));
      assert.ok([...jobs.unfinished().jobs].some((job) => job.name === name));
    };

    for (const phase of ['Succeeded', 'Failed'] as const) {
      test(`when its Pod has ${phase}, and still knows the Job as ours`, async () => {
        const name = `ends-${phase.toLowerCase()}`;
        await create(name);
        await finishJob(plane, { namespace, name }, phase);
        await until('its end', () => endsOf(name) > 0);
        const { jobs } = connected.cluster;
        assert.ok(jobs.isOurs(name));
        assert.ok([...jobs.unfinished().jobs].every((job) => job.name !== name));
        assert.equal((await jobs.get(name))?.finished, true);

        const metadata = { annotations: { touched: 'later' } };
        await plane.request('PATCH', `${jobsPath(namespace)}/${name}`, { metadata });
        await plane.request(
          'DELETE',
          `${jobsPath(namespace)}/${name}?propagationPolicy=Background`,
        );
        await until('it is gone', () => !jobs.isOurs(name));
        assert.equal(endsOf(name), 1);
        const operarius = 'openfero-kubequotaalmostfull-firing';
        const ended = ends.find((job) => job.name === name);
        assert.equal(ended?.operarius, operarius);
        assert.equal(ended?.end?.fate, phase.toLowerCase());
        assert.equal(ended?.end?.reason, phase === 'Failed' ? 'BackoffLimitExceeded' : '');
        assert.equal(ended?.end?.remediation, 'a-remediation');
        const { createdAt = 0, endedAt = 0 } = ended?.end ?? {};
        assert.ok(createdAt > 0 && endedAt >= createdAt);
      });
    }

    test('when its deadline is over before it ever had a pod', async () => {
      const container = { name: 'c', image: 'i' };
      const pod = { serviceAccountName: 'nobody', containers: [container], restartPolicy: 'Never' };
      const spec = { activeDeadlineSeconds: 1, template: { spec: pod } };
      await connected.cluster.jobs.create(exampleJob('never', namespace, spec), { dryRun: false });
      await until('its end', () => endsOf('never') > 0);
      const { fate, reason } = ends.find(({ name }) => name === 'never')?.end ?? {};
      assert.equal(fate, 'failed');
      assert.equal(reason, 'DeadlineExceeded: no pod of the Job was ever created');
    });

    test('when it is deleted before its end', async () => {
      await create('deleted');
      await plane.request('DELETE', `${jobsPath(namespace)}/deleted?propagationPolicy=Background`);
      await until('its end', () => endsOf('deleted') > 0);
      assert.ok(!connected.cluster.jobs.isOurs('deleted'));
      assert.equal(endsOf('deleted'), 1);
      assert.equal(ends.find(({ name }) => name === 'deleted')?.end?.fate, 'deleted');
    });

    test('when it is deleted, though a foreign finalizer keeps it', async () => {
      await create('kept');
      const path = `${jobsPath(namespace)}/kept`;
      const { jobs } = connected.cluster;
      await plane.request('PATCH', path, { metadata: { finalizers: ['example.com/gone'] } });
      await plane.request('DELETE', `${path}?propagationPolicy=Background`);
      await until('its end', () => endsOf('kept') > 0);
      assert.ok([...jobs.unfinished().jobs].every((job) => job.name !== 'kept'));
      assert.equal((await jobs.get('kept'))?.finished, true);
      assert.ok(jobs.isOurs('kept'), 'its name is still taken');

      await plane.request('PATCH', path, { metadata: { finalizers: [] } });
      await until('it is gone', () => !jobs.isOurs('kept'));
      assert.equal(endsOf('kept'), 1);
    });

    test('but not of a Job that OpenFero did not create', async () => {
      const foreign = exampleJob('foreign', namespace);
      foreign.metadata.labels = {};
      foreign.metadata.annotations = {};
      await plane.request('POST', jobsPath(namespace), foreign);
      const { jobs } = connected.cluster;
      const existing = await jobs.get('foreign');
      assert.equal(existing?.remediation, undefined);
      assert.equal(existing?.dedupKey, undefined);
      assert.ok(!jobs.isOurs('foreign'));
    });
  });

  test('knows which Jobs have no pods, and why, until they have one', async () => {
    const { jobs } = connected.cluster;
    const create = async (name: string, serviceAccountName: string): Promise<void> => {
      const env = [
        { name: 'OPENFERO_NAMESPACE', value: 'shop' },
        { name: 'OPENFERO_META_GROUP_KEY', value: '{}:{price="$$1"}' },
      ];
      const container = { name: 'c', image: 'i', env };
      const pod = { serviceAccountName, containers: [container], restartPolicy: 'Never' };
      const job = exampleJob(name, namespace, { template: { spec: pod } });
      await jobs.create(job, { dryRun: false });
    };
    const without = (name: string) => [...jobs.withoutPods()].find((job) => job.name === name);
    await create('without', 'nobody');
    await create('with', 'default');
    await until('it is there', () => jobs.isOurs('without') && jobs.isOurs('with'));
    const job = without('without') ?? assert.fail();
    assert.equal(job.operarius, 'openfero-kubequotaalmostfull-firing');
    assert.equal(job.remediation, 'a-remediation');
    assert.deepEqual([job.namespace, job.groupKey], ['shop', '{}:{price="$1"}']);
    assert.ok(job.createdAt > 0);
    await until('the other one has its pod', () => without('with') === undefined);
    let why: string | undefined;
    await until('the reason', async () => {
      why = await jobs.whyNoPods(job);
      return why !== undefined;
    });
    assert.match(
      why ?? '',
      /^FailedCreate: Error creating: pods .*serviceaccount "nobody" not found$/,
    );
    const { body } = await plane.request('GET', `${jobsPath(namespace)}/with`);
    const uid = String(at(body, 'metadata', 'uid'));
    assert.equal(await jobs.whyNoPods({ uid }), undefined);

    const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await plane.request('POST', path, { metadata: { name: 'nobody' } });
    await finishJob(plane, { namespace, name: 'without' });
    await until('it is over', () => without('without') === undefined);
  });

  test('records an Event on the ConfigMap', async () => {
    const name = 'openfero-described-firing';
    await writeConfigMap(plane, namespace, name);
    const { operarii, events } = connected.cluster;
    await until('it is there', () => operarii.get(name) !== undefined);
    const metadata = operarii.get(name)?.metadata;
    assert.ok(metadata);
    events.record(metadata, 'InvalidOperarius', 'the data key is missing');
    await until('the Event', async () => {
      const said = await plane.kubectl(['describe', 'configmap', name, '-n', namespace]);
      return /Warning\s+InvalidOperarius\s+.*openfero\S*\s+the data key is missing/.test(said);
    });
  });

  test('knows its ServiceAccount if it is in the namespace of the Jobs', async () => {
    assert.equal(connected.cluster.serviceAccount, 'worker');
    const other = await plane.createNamespace();
    const token = await plane.tokenFor(other, 'elsewhere');
    const access = await accessOf(plane, { token }, other);
    const { cluster } = await connect({ access, namespace });
    assert.equal(cluster.serviceAccount, undefined);
    await cluster.close();
  });

  test('answers a ping, even without the right to ask', async () => {
    await connected.cluster.ping();
    const stranger = await accessOf(plane, { token: 'of-nobody' }, namespace);
    const { cluster } = await connect({ access: stranger, namespace });
    await cluster.ping();
    await cluster.close();
  });

  test('reports a missing right, and the Role to check', async () => {
    const poor = await plane.createNamespace();
    const token = await workerIn(plane, poor);
    await forbid(plane, poor);
    const access = await accessOf(plane, { token }, poor);
    const { cluster } = await connect({ access, namespace: poor });
    await assert.rejects(cluster.jobs.create(exampleJob('a', poor), { dryRun: false }), {
      status: 403,
      reason: 'Forbidden',
    });
    assert.match(
      cluster.blocked() ?? '',
      new RegExp(
        `^the first list of ConfigMaps in namespace ${poor} is not complete yet: 403 Forbidden: configmaps is forbidden: .*: check the worker's Role and RoleBinding$`,
      ),
    );
    await cluster.close();
  });

  test('reports that the namespace of the Jobs is missing', async () => {
    const access = await accessOf(plane, { user: 'admin', groups: ['system:masters'] }, namespace);
    const env = { OPENFERO_JOB_NAMESPACE: 'nowhere' };
    const { cluster } = await connect({ access, namespace, env });
    await assert.rejects(cluster.jobs.create(exampleJob('a', 'nowhere'), { dryRun: false }), {
      status: 404,
      message: '404 NotFound: namespaces "nowhere" not found',
    });
    await cluster.close();
  });

  test('leaves no connection and no timer open', async () => {
    const access = await accessOf(plane, { user: 'admin', groups: ['system:masters'] }, namespace);
    // The testkit keeps its own connections.
    const sockets = (): number =>
      process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Timeout/.test(name)).length;
    await new Promise((resolve) => setImmediate(resolve));
    const before = sockets();
    const { cluster } = await connect({ access, namespace });
    assert.ok(sockets() > before);
    await cluster.close();
    await until('nothing is left', () => sockets() <= before, 1000);
  });
});

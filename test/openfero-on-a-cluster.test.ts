import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { at, finishJob } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { listen } from '@openfero/testkit/listen';
import { definition } from '@openfero/testkit/operarii';
import { startClusterSystem } from './cluster-system.ts';
import { openfero } from './openfero.ts';
import { notificationOf } from './system.ts';

const CASE = 'packages/cli/test/cases/disk-firing.yaml';
const DISK = ['-l', 'alertname=Disk', '-l', 'node=a'];

await describeOnControlPlane('openfero with a cluster', (plane) => {
  const admin = { KUBECONFIG: plane.adminKubeconfig };

  it('lint --server: what the API server rejects, and warns of, at its line', async () => {
    const namespace = await plane.createNamespace(undefined, {
      'pod-security.kubernetes.io/warn': 'restricted',
    });
    const lint = (yaml: string) =>
      openfero(admin, ['lint', '-', '--server', '-n', namespace, '-o', 'json'], yaml);
    const errorsOf = (out: string): unknown[] =>
      JSON.parse(out).filter(({ severity }: { severity: string }) => severity === 'error');

    const good = await lint(definition('Disk'));
    assert.equal(good.code, 0, good.err);
    assert.match(good.out, /"never-starts",\n.*would violate PodSecurity/);

    const yaml = await readFile(CASE, 'utf8');
    const wrong = yaml.replace(/^( *)containers:/m, '$1nodeSelector: { not a label: a }\n$&');
    const bad = await lint(wrong);
    assert.equal(bad.code, 1, bad.out);
    const [finding] = errorsOf(bad.out);
    assert.equal(at(finding, 'id'), 'rejected');
    assert.match(
      String(at(finding, 'message')),
      /^the API server rejects the Job: 422 Invalid: Job\.batch/,
    );
    assert.match(wrong.split('\n')[Number(at(finding, 'line')) - 1] ?? '', /nodeSelector/);
  });

  it('render --server: the Job as it would be stored, or why not', async () => {
    const namespace = await plane.createNamespace();
    const render = (yaml: string) =>
      openfero(admin, ['render', ...DISK, '-f', '-', '--server', '-o', 'json'], yaml);
    const inNamespace = (yaml: string): string =>
      yaml.replace('metadata:', `metadata:\n  namespace: ${namespace}`);
    const { code, out, err } = await render(inNamespace(definition('Disk')));
    assert.equal(code, 0, err);
    const [job] = JSON.parse(out);
    assert.equal(at(job, 'spec', 'completionMode'), 'NonIndexed');
    assert.equal(at(job, 'metadata', 'managedFields'), undefined);
    const wrong = definition('Disk', { job: { pod: { nodeSelector: { 'not a label': 'a' } } } });
    const refused = await render(inNamespace(wrong));
    assert.deepEqual([refused.code, refused.out], [1, '[]']);
    assert.match(refused.err, /^no Job .*: the API server rejects it: 422 Invalid/);
    const { body } = await plane.request('GET', `/apis/batch/v1/namespaces/${namespace}/jobs`);
    assert.deepEqual(at(body, 'items'), []);
  });

  it('explain --live: the step that decides, as the workers would', async (t) => {
    const system = await startClusterSystem(t, plane);
    const { namespace } = system;
    const [worker] = await Promise.all([system.startWorker(), system.startReceiver()]);
    await worker.ready();
    await system.define(definition('Disk', { policy: { 'max-active': '1' } }));
    await worker.waitForLine(({ msg }) => /^operarius is valid/.test(msg));
    const env = { ...admin, REDIS_URL: system.redis.url };
    const explain = async (...args: string[]): Promise<string> =>
      (await openfero(env, ['explain', '--live', ...args])).out;

    const before = await openfero(env, ['explain', '--live', ...DISK]);
    assert.equal(before.code, 0, before.err);
    assert.match(before.out, new RegExp(`ConfigMap ${namespace}/openfero-disk-firing`));
    await system.post(notificationOf([{ alertname: 'Disk', node: 'a' }]));
    await system.ended(1);
    const [job] = await system.jobs();
    const name = String(at(job, 'metadata', 'name'));
    // It has the startsAt that was received.
    assert.match(await explain(...DISK), /x episode .*this episode already has a Job\n/);
    const other = ['-l', 'alertname=Disk', '-l', 'node=b'];
    assert.match(await explain(...other), /~ limits .*max-active is 1, and 1 of its Jobs/);
    const own = ['-l', 'alertname=Disk', '-l', `job_name=${name}`];
    assert.match(await explain(...own), /x own job +the alert is about/);

    await finishJob(plane, { namespace, name });
    await worker.waitForLine(({ msg }) => /^Job .*ended|succeeded/.test(msg));
    const later = JSON.stringify({
      labels: { alertname: 'Disk', node: 'a' },
      startsAt: new Date().toISOString(),
    });
    const held = await openfero(env, ['explain', '--live', '-'], later);
    assert.match(held.out, /~ episode .*cooldown after Job .*\n {2}= held \(cooldown\)/);

    await openfero(env, ['stop']);
    assert.match(await explain(...other), /x mode .*the ConfigMap openfero switches all off/);
    await worker.stop();
    const alone = await openfero(env, ['explain', '--live', '-n', namespace, ...other]);
    assert.match(alone.err, /no worker reads the namespace/);
  });

  it('get operarii: those of a namespace, without Redis', async () => {
    const namespace = await plane.createNamespace();
    const apply = (yaml: string) => plane.kubectl(['apply', '-n', namespace, '-f', '-'], yaml);
    await apply(definition('Disk', { policy: { mode: 'dry-run' } }));
    const list = () => openfero(admin, ['get', 'operarii', '-n', namespace]);
    const valid = await list();
    assert.deepEqual([valid.code, valid.out], [0, 'openfero-disk-firing  valid, dry-run']);
    await apply(definition('Other', { policy: { cooldown: '5min' } }));
    const invalid = await list();
    assert.equal(invalid.code, 1);
    assert.match(invalid.out, /^openfero-other-firing {2}invalid: .*openfero\.io\/cooldown/m);
    assert.equal((await openfero(admin, ['get', 'operarii', '-n', 'none'])).code, 0);
  });

  it('names itself to the API server, and says with exit code 2 that it got no answer', async (t) => {
    const agents: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      agents.push(request.headers['user-agent']);
      response.writeHead(500).end('{}');
    });
    t.after(() => server.close());
    const port = await listen(server);
    const folder = await mkdtemp(join(tmpdir(), 'openfero-agent-'));
    t.after(() => rm(folder, { recursive: true }));
    const named = { name: 'a' };
    const config = {
      clusters: [{ ...named, cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ ...named, user: { token: 'x' } }],
      contexts: [{ ...named, context: { cluster: 'a', user: 'a', namespace: 'shop' } }],
      'current-context': 'a',
    };
    await writeFile(`${folder}/config`, JSON.stringify(config));
    const { code, err } = await openfero({ KUBECONFIG: `${folder}/config` }, ['explain', ...DISK]);
    assert.equal(code, 2);
    assert.match(err, /^openfero: 500 /);
    assert.deepEqual([...new Set(agents)], ['openfero-cli']);
  });
});

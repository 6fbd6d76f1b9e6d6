import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, it } from 'node:test';
import { at, jobsPath } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { until } from '@openfero/testkit/until';

const WORKER = 'system:serviceaccount:openfero:openfero-worker';
const MAY_APPROVE = 'ada';
const MAY_PATCH = 'mallory';

const APPROVED_BY = 'openfero.io/approved-by';
const RELEASE = { spec: { suspend: false } };
const annotated = (annotations: object): object => ({ ...RELEASE, metadata: { annotations } });

await describeOnControlPlane('deploy/policies/approval.yaml', (plane) => {
  let namespace: string;
  let policies: string;
  let count = 0;

  before(async () => {
    namespace = await plane.createNamespace();
    const path = new URL('../deploy/policies/approval.yaml', import.meta.url);
    policies = (await readFile(path, 'utf8'))
      .replaceAll('openfero-jobs', namespace)
      .replaceAll('openfero-appro', `${namespace}-appro`);
    await plane.kubectl(
      ['apply', '-f', '-', '--validate=strict', '--warnings-as-errors'],
      policies,
    );
    const roles = [
      ['approver', 'get,patch,approve', [MAY_APPROVE, WORKER]],
      ['patcher', 'get,patch', [MAY_PATCH]],
    ] as const;
    for (const [role, verbs, users] of roles) {
      const right = [`--verb=${verbs}`, '--resource=jobs.batch', '-n', namespace];
      await plane.kubectl(['create', 'role', role, ...right]);
      const bound = [`--role=${role}`, ...users.map((user) => `--user=${user}`), '-n', namespace];
      await plane.kubectl(['create', 'rolebinding', role, ...bound]);
    }
    const probe = await ask();
    await until('the policies are in force', async () => {
      const unmarked = { metadata: { labels: { 'openfero.io/approval': null } } };
      const refusal = await patch(MAY_PATCH, probe, unmarked, '--dry-run=server');
      return refusal.includes('cannot be changed');
    });
    await until('that of the name too', async () => {
      const refusal = await patch(MAY_APPROVE, probe, RELEASE, '--dry-run=server');
      return refusal === '';
    });
  });
  after(() => plane.kubectl(['delete', '-f', '-'], policies));

  /** A suspended Job that waits for a person. @returns its name */
  const ask = async (): Promise<string> => {
    const name = `waits-${count++}`;
    const pod = { containers: [{ name: 'c', image: 'x' }], restartPolicy: 'Never' };
    await plane.request('POST', jobsPath(namespace), {
      metadata: {
        name,
        labels: { 'openfero.io/approval': 'asked' },
        annotations: { 'openfero.io/approval-until': '2036-01-01T00:00:00Z' },
      },
      spec: { suspend: true, template: { spec: pod } },
    });
    return name;
  };
  /** @returns why it is refused, or '' */
  const patch = async (
    user: string,
    name: string,
    body: object,
    ...more: readonly string[]
  ): Promise<string> => {
    const as = [`--as=${user}`, '-n', namespace, ...more];
    try {
      await plane.kubectl([
        'patch',
        'job',
        name,
        '--type=merge',
        '-p',
        JSON.stringify(body),
        ...as,
      ]);
      return '';
    } catch (error) {
      return String(error);
    }
  };
  const approvedBy = async (name: string): Promise<unknown> => {
    const { body } = await plane.request('GET', `${jobsPath(namespace)}/${name}`);
    return at(body, 'metadata', 'annotations', APPROVED_BY);
  };

  it('whoever releases a Job with kubectl stands on it', async () => {
    const name = await ask();
    assert.equal(await patch(MAY_APPROVE, name, RELEASE), '');
    assert.equal(await approvedBy(name), MAY_APPROVE);
  });

  it('nobody can put another name on it', async () => {
    const name = await ask();
    assert.equal(await patch(MAY_APPROVE, name, annotated({ [APPROVED_BY]: 'grace' })), '');
    assert.equal(await approvedBy(name), MAY_APPROVE, 'the name is filled in');
    const later = { metadata: { annotations: { [APPROVED_BY]: 'grace' } } };
    assert.match(await patch(MAY_APPROVE, name, later), /cannot be changed/);
  });

  it('the worker puts the name of whoever decided in the dashboard on it', async () => {
    const name = await ask();
    const by = 'grace (dashboard)';
    assert.equal(await patch(WORKER, name, annotated({ [APPROVED_BY]: by })), '');
    assert.equal(await approvedBy(name), by);
  });

  it('the right to patch Jobs is not enough to release one', async () => {
    const name = await ask();
    assert.match(await patch(MAY_PATCH, name, RELEASE), /mallory needs the verb approve/);
    assert.equal(await approvedBy(name), undefined);
  });

  it('the mark cannot be removed first, nor the time moved', async () => {
    const name = await ask();
    const marks = [
      { labels: { 'openfero.io/approval': null } },
      { labels: { 'openfero.io/approval': 'no' } },
      { annotations: { 'openfero.io/approval-until': '2037-01-01T00:00:00Z' } },
      { annotations: { [APPROVED_BY]: MAY_PATCH } },
    ];
    for (const metadata of marks) {
      assert.match(await patch(MAY_PATCH, name, { metadata }), /cannot be changed/);
    }
    assert.equal(await patch(MAY_PATCH, name, { metadata: { labels: { team: 'shop' } } }), '');
  });
});

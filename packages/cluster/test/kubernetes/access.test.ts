import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readAccess } from '../../src/kubernetes/access/read-access.ts';
import { serviceAccountOf } from '../../src/kubernetes/access/service-account.ts';
import { readClusterSettings } from '../../src/settings.ts';

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openfero-kubeconfig-'));
});
after(() => rm(folder, { recursive: true }));

const write = async (name: string, content: string): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
};

const config = (user: string, cluster = '', context = 'namespace: remedies'): string => `
apiVersion: v1
kind: Config
current-context: one
contexts: [{name: one, context: {cluster: c, user: u, ${context}}}]
clusters: [{name: c, cluster: {server: 'https://api.example:6443/', ${cluster}}}]
users: [{name: u, user: {${user}}}]
`;

describe('a worker of a Kubernetes cluster', () => {
  test('takes its namespace from the context of KUBECONFIG, and creates the Jobs there too', async () => {
    const KUBECONFIG = await write('config', config('token: secret'));
    const settings = readClusterSettings({ KUBECONFIG });
    assert.equal(settings.configMapNamespace, 'remedies');
    assert.equal(settings.jobNamespace, 'remedies');
    const own = { OPENFERO_CONFIGMAP_NAMESPACE: 'a', OPENFERO_JOB_NAMESPACE: 'b' };
    const { configMapNamespace, jobNamespace } = readClusterSettings({
      KUBECONFIG,
      ...own,
    });
    assert.deepEqual([configMapNamespace, jobNamespace], ['a', 'b']);
  });

  test('does not start without a namespace', async () => {
    const KUBECONFIG = await write('config', config('token: secret', '', ''));
    assert.throws(
      () => readClusterSettings({ KUBECONFIG }),
      /^Error: OPENFERO_CONFIGMAP_NAMESPACE: /,
    );
  });

  test('does not start without credentials, and never reads ~/.kube/config', async () => {
    const HOME = folder;
    await mkdir(join(folder, '.kube'));
    await write('.kube/config', config('token: secret'));
    const nothing =
      /^Error: KUBECONFIG: is not set, and the worker does not run in a pod: set it to a kubeconfig/;
    assert.throws(() => readClusterSettings({ HOME }), nothing);
    const pod = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
    assert.throws(
      () => readAccess(pod, folder),
      /KUBECONFIG: is not set, and the pod has no ServiceAccount token .*token/,
    );
  });

  test('finds the API server from inside a Pod, also with IPv6', async () => {
    await write('token', 'secret');
    const pod = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };
    const { server, namespace, inPod } = readAccess(pod, folder);
    assert.deepEqual([server, namespace, inPod], ['https://[fd00::1]:6443', undefined, true]);
  });
});

describe('a kubeconfig', () => {
  test('may consist of several files: the first of two entries with the same name counts', async () => {
    const first = await write(
      'first',
      'current-context: one\nusers: [{name: u, user: {token: mine}}]',
    );
    const second = await write('second', config('token: theirs'));
    const { identity, server } = readAccess({ KUBECONFIG: `${first}:/nowhere:${second}` });
    assert.equal(identity.token, 'mine');
    assert.equal(server, 'https://api.example:6443');
  });

  test('refers to files relative to itself; inline data take precedence', async () => {
    const user = `tokenFile: t, client-certificate: c.pem, client-key: /k.pem,
      client-key-data: ${Buffer.from('KEY').toString('base64')}`;
    const KUBECONFIG = await write('config', config(user, 'certificate-authority: ../ca.pem'));
    const { identity, ca } = readAccess({ KUBECONFIG });
    assert.deepEqual(identity, {
      tokenFile: join(folder, 't'),
      certificate: { cert: { file: join(folder, 'c.pem') }, key: { text: 'KEY' } },
    });
    assert.deepEqual(ca, { file: join(folder, '../ca.pem') });
  });

  const refused: readonly (readonly [what: string, text: string, why: RegExp])[] = [
    ['that is none', 'hello', /not a kubeconfig file$/],
    ['that is no YAML', '{', /config: /],
    ['without a current context', 'contexts: []', /does not set current-context: set it$/],
    ['whose context is missing', 'current-context: x', /context "x" is not defined$/],
    [
      'whose cluster is missing',
      config('token: x').replace('name: c,', 'name: d,'),
      /cluster "c" is not defined$/,
    ],
    [
      'whose user is missing',
      config('token: x').replace('name: u,', 'name: v,'),
      /user "u" is not defined$/,
    ],
    ['without a server', config('token: x').replace(/server:/, 'sever:'), /server is missing/],
    [
      'with a server that is no URL',
      config('token: x').replace(/https:../, ''),
      /is not an https:\/\/ URL$/,
    ],
    [
      'with a proxy',
      config('token: x', 'proxy-url: "http://p"'),
      /proxy-url, which is not supported: remove it$/,
    ],
    ['without a credential', config(''), /user "u" has no credentials: add a token/],
    ['with half a certificate', config('client-certificate: x'), /has no credentials/],
    ['with an auth-provider', config('auth-provider: {name: oidc}'), /auth-provider, which is not/],
    [
      'with a plugin that wants a terminal',
      config('exec: {command: x, interactiveMode: Always}'),
      /terminal/,
    ],
    ['with a plugin without a command', config('exec: {}'), /has no command: set it$/],
    [
      'with extras of an impersonated user',
      config('token: x, as-user-extra: {a: [b]}'),
      /as-user-extra/,
    ],
  ];
  for (const [what, text, why] of refused) {
    test(`${what} is refused, in one line that names KUBECONFIG`, async () => {
      const KUBECONFIG = await write('config', text);
      assert.throws(
        () => readAccess({ KUBECONFIG }),
        (error: Error) => {
          assert.match(error.message, /^KUBECONFIG: [^\n]+$/);
          assert.match(error.message, why);
          return true;
        },
      );
    });
  }

  test('that is missing is refused', () => {
    assert.throws(
      () => readAccess({ KUBECONFIG: '/nowhere:/nobody' }),
      /file not found: \/nowhere, \/nobody$/,
    );
  });
});

describe('the ServiceAccount of a token', () => {
  const tokenOf = (claims: unknown): string =>
    `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.y`;

  test('is known if the token names it and the namespace matches', () => {
    const token = tokenOf({ sub: 'system:serviceaccount:jobs:worker' });
    assert.equal(serviceAccountOf(token, 'jobs'), 'worker');
    assert.equal(serviceAccountOf(token, 'others'), undefined);
  });

  test('is unknown for any other token', () => {
    for (const token of [
      undefined,
      '',
      'opaque',
      'a.b.c',
      tokenOf(null),
      tokenOf({ sub: 'jane' }),
    ]) {
      assert.equal(serviceAccountOf(token, 'jobs'), undefined);
    }
  });
});

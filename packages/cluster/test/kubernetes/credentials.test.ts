import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, before, beforeEach, describe, test } from 'node:test';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { until } from '@openfero/testkit/until';
import type { Access } from '../../src/kubernetes/access/access.ts';
import { readAccess } from '../../src/kubernetes/access/read-access.ts';
import { accessOf, connect, FAST, rewrite, workerIn } from './connect.ts';
import { startTampering } from './tampering.ts';

const ADMIN = { user: 'admin', groups: ['system:masters'] };
const NEVER = { ...FAST, reread: 3_600_000 };

await describeOnControlPlane('the credentials for a Kubernetes cluster', (plane) => {
  let namespace: string;
  let token: string;
  let folder: string;

  before(async () => {
    namespace = await plane.createNamespace();
    token = await workerIn(plane, namespace);
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openfero-credentials-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const file = async (name: string, content: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  };
  /** Connects and waits until it works, and closes again. */
  const works = async (access: Access, timing = FAST): Promise<void> => {
    const { cluster } = await connect({ access, namespace, timing });
    try {
      await until('it works', () => cluster.blocked() === undefined);
      assert.equal(await cluster.jobs.get('none'), undefined);
    } finally {
      await cluster.close();
    }
  };
  /** @returns why it does not work */
  const problem = async (access: Access): Promise<string> => {
    const { cluster } = await connect({ access, namespace });
    try {
      await until('it says why', () => / yet: /.test(cluster.blocked() ?? ''));
      return cluster.blocked() ?? '';
    } finally {
      await cluster.close();
    }
  };

  test('are those of the Pod, with its namespace', async () => {
    await Promise.all([
      file('token', `${token}\n`),
      file('ca.crt', plane.ca),
      file('namespace', `${namespace}\n`),
    ]);
    const { hostname, port } = new URL(plane.url);
    const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
    const access = readAccess(env, folder);
    assert.equal(access.namespace, namespace);
    await works(access);
  });

  test('may be a client certificate in the kubeconfig', async () => {
    await works(await accessOf(plane, ADMIN, namespace));
  });

  test('may be client certificates in files, which may be replaced', async (t) => {
    const user = async (path: string) => {
      const { users } = JSON.parse(await readFile(path, 'utf8'));
      const pem = (field: string) => Buffer.from(users[0].user[field], 'base64').toString();
      await file('client.crt', pem('client-certificate-data'));
      await file('client.key', pem('client-key-data'));
    };
    const stranger = await plane.kubeconfig({ user: 'stranger' }, namespace);
    await user(stranger);
    const config = JSON.parse(await readFile(stranger, 'utf8'));
    // Relative to the kubeconfig.
    config.users[0].user = { 'client-certificate': 'client.crt', 'client-key': './client.key' };
    const kubeconfig = await file('config', JSON.stringify(config));
    const { cluster } = await connect({
      access: readAccess({ KUBECONFIG: kubeconfig }),
      namespace,
    });
    t.after(() => cluster.close());
    await until('it is refused', () => /User "stranger" cannot/.test(cluster.blocked() ?? ''));
    await user(await plane.kubeconfig(ADMIN, namespace));
    await until('it works', () => cluster.blocked() === undefined);
  });

  test('are read again when they are refused, and the call is repeated', async (t) => {
    const proxy = await startTampering(plane);
    t.after(() => proxy.close());
    const tokenFile = await file('token', ' first\n');
    const { cluster, requests } = await connect({
      access: { ...proxy.access, identity: { tokenFile } },
      namespace,
      timing: NEVER,
    });
    t.after(() => cluster.close());
    const seen: (string | undefined)[] = [];
    proxy.tampering.answer = (_, response, { headers, url }) => {
      if (!url?.includes('/jobs/')) return false;
      seen.push(headers.authorization);
      if (headers.authorization === 'Bearer third') return false;
      response.writeHead(401).end();
      return true;
    };
    await file('token', 'second');
    await assert.rejects(cluster.jobs.get('a'), { status: 401, reason: 'Unknown' });
    assert.deepEqual(seen, ['Bearer first', 'Bearer second']);
    await file('token', '\nthird\n');
    assert.equal(await cluster.jobs.get('a'), undefined);
    assert.deepEqual(seen.slice(2), ['Bearer second', 'Bearer third']);
    assert.equal(requests.get('get 401'), 3);
  });

  test('are read again regularly, since tokens are replaced before they expire', async (t) => {
    const proxy = await startTampering(plane);
    t.after(() => proxy.close());
    const tokenFile = await file('token', 'first');
    const access = { ...proxy.access, identity: { tokenFile, token: 'of the kubeconfig' } };
    const { cluster } = await connect({ access, namespace });
    t.after(() => cluster.close());
    let seen: string | undefined;
    proxy.tampering.answer = (_, __, { headers }) => {
      seen = headers.authorization;
      return false;
    };
    const presents = async (authorization: string): Promise<boolean> => {
      await cluster.ping();
      return seen === authorization;
    };
    assert.ok(await presents('Bearer first'));
    await file('token', 'second');
    await until('the second is presented', () => presents('Bearer second'));
    await rm(tokenFile);
    await until('it was looked for', () => presents('Bearer second'), 500);
  });

  test('are reported as refused if reading them again does not help', async () => {
    const why = await problem(await accessOf(plane, { token: 'of-nobody' }, namespace));
    assert.match(why, /401 Unauthorized: Unauthorized: check the worker's token or certificate$/);
  });

  test('include a certificate authority that may be replaced while the worker runs', async (t) => {
    const access = await accessOf(plane, { token }, namespace);
    const other = await readFile(join(plane.folder, 'admin.crt'), 'utf8');
    const ca = { file: await file('ca.crt', other) };
    const { cluster } = await connect({ access: { ...access, ca }, namespace });
    t.after(() => cluster.close());
    await until('it is not believed', () => /certificate/.test(cluster.blocked() ?? ''));
    await file('ca.crt', 'half a fi');
    await assert.rejects(cluster.ping(), /certificate/);
    await file('ca.crt', plane.ca);
    await until('it works', () => cluster.blocked() === undefined);
  });

  test('are sent only to the server that the kubeconfig trusts', async () => {
    const access = await accessOf(plane, { token }, namespace);
    await works({ ...access, servername: 'kubernetes' });
    assert.match(await problem({ ...access, servername: 'elsewhere' }), /altnames/);
    assert.match(await problem({ ...access, ca: undefined }), /certificate/);
    await works({ ...access, ca: undefined, insecure: true });
  });

  test('work with a server under a path, as in Rancher', async (t) => {
    const proxy = await startTampering(plane);
    t.after(() => proxy.close());
    const paths: string[] = [];
    proxy.tampering.answer = (url, response) => {
      paths.push(url.pathname);
      response.writeHead(404).end();
      return true;
    };
    const access = { ...proxy.access, server: `${proxy.access.server}/k8s/clusters/one/` };
    const { cluster } = await connect({ access, namespace });
    t.after(() => cluster.close());
    // A 404 that does not come from an API server does not mean that the Job is missing.
    await assert.rejects(cluster.jobs.get('a'), {
      status: 404,
      message: '404 Unknown: the response is not a Kubernetes Status, it may come from a proxy',
    });
    assert.ok(
      paths.every((path) => path.startsWith('/k8s/clusters/one/api')),
      paths.join(),
    );
  });

  test('impersonate the user of the kubeconfig', async () => {
    const path = await rewrite(await plane.kubeconfig(ADMIN, namespace), (text) =>
      text.replace('"client-cert', '"as": "jane", "as-groups": ["ops", "dev"], "client-cert'),
    );
    const access = readAccess({ KUBECONFIG: path });
    assert.deepEqual(access.impersonate['impersonate-group'], ['ops', 'dev']);
    assert.match(await problem(access), /User "jane" cannot list/);
  });

  describe('of an exec plugin', () => {
    const runs = (): Promise<number> =>
      readFile(join(folder, 'runs'), 'utf8').then(
        (text) => text.length,
        () => 0,
      );
    /** @param body of a shell script; it counts its runs */
    const plugin = async (body: string, more: object = {}): Promise<Access> => {
      const script = `#!/bin/sh\ncd "$(dirname "$0")"\nprintf . >> runs\n${body}\n`;
      await chmod(await file('plugin', script), 0o755);
      const config = JSON.parse(await readFile(await plane.kubeconfig({ token }), 'utf8'));
      const apiVersion = 'client.authentication.k8s.io/v1';
      config.users[0].user = { exec: { apiVersion, command: './plugin', env: null, ...more } };
      return readAccess({ KUBECONFIG: await file('config', JSON.stringify(config)) });
    };
    /** @param seconds until it expires */
    const credential = (of: string, seconds = 3600): string =>
      `expires=$(date -u -d '+${seconds} seconds' +%FT%TZ)
      echo "{\\"status\\": {\\"token\\": \\"${of}\\", \\"expirationTimestamp\\": \\"$expires\\"}}"`;

    test('are used for all calls until they expire', async (t) => {
      const { cluster } = await connect({ access: await plugin(credential(token)), namespace });
      t.after(() => cluster.close());
      await until('it works', () => cluster.blocked() === undefined);
      await Promise.all(Array.from({ length: 20 }, () => cluster.jobs.get('none')));
      assert.equal(await runs(), 1);
    });

    test('are requested again when they expire', async (t) => {
      const access = await plugin(credential(token, 1));
      const { cluster } = await connect({ access, namespace });
      t.after(() => cluster.close());
      await until('it has run again', async () => {
        await cluster.jobs.get('none');
        return (await runs()) > 1;
      });
    });

    test('are requested again when they are refused, but not for every call', async (t) => {
      const access = await plugin(
        `if [ -f good ]; then ${credential(token)}; else ${credential('of-nobody')}; fi`,
      );
      const { cluster } = await connect({ access, namespace, timing: NEVER });
      t.after(() => cluster.close());
      await until('it was refused', () => /401/.test(cluster.blocked() ?? ''));
      await Promise.allSettled(Array.from({ length: 20 }, () => cluster.jobs.get('none')));
      assert.equal(await runs(), 2);
      await file('good', '');
      await until('it works', () => cluster.blocked() === undefined, 8000);
      assert.ok((await runs()) <= 4);
    });

    test('are requested with the information that the plugin needs', async () => {
      const body = `echo "$KUBERNETES_EXEC_INFO $OWN" > info; ${credential(token)}`;
      const env = [{ name: 'OWN', value: 'too' }];
      await works(await plugin(body, { env, provideClusterInfo: true }));
      const info = await readFile(join(folder, 'info'), 'utf8');
      assert.match(info, /"kind":"ExecCredential".*"interactive":false.*"server":"https:.* too\n$/);
    });

    test('are a startup error if the plugin fails, prints nothing useful, or hangs', async () => {
      for (const [body, why, start = FAST.start] of [
        [
          'echo "no such profile" >&2; exit 3',
          /the exec plugin .*plugin of user "test" failed: no such profile$/,
        ],
        ['echo hello', /failed: its output is not JSON$/],
        ['echo "{}"', /failed/],
        [`echo '{"status":{}}'`, /returned no token and no client certificate/],
        ['exec sleep 2', /timed out after 500 ms waiting for the exec plugin/, 500],
      ] as const) {
        const access = await plugin(body);
        await assert.rejects(
          connect({ access, namespace, timing: { ...FAST, start } }),
          (error: Error) => {
            assert.match(error.message, /^KUBECONFIG: /);
            assert.match(error.message, why);
            return true;
          },
        );
      }
    });

    test('delay no call beyond its limit', async (t) => {
      const body = `[ -f hang ] && exec sleep 5; ${credential(token, 1)}`;
      const access = await plugin(body);
      const timing = { ...FAST, call: 500, stale: 1000, watch: [1000, 1000] as const };
      const { cluster } = await connect({ access, namespace, timing });
      t.after(() => cluster.close());
      await file('hang', '');
      await until('a call ends in time', async () => {
        const began = performance.now();
        const error: unknown = await cluster.jobs.get('none').catch((reason: unknown) => reason);
        assert.ok(performance.now() - began < 1500);
        return (
          error instanceof Error && /timed out waiting for the exec plugin/.test(error.message)
        );
      });
      await until('the watches say so too', () =>
        /^the watch of .* has received nothing since .*: timed out waiting for the exec plugin/.test(
          cluster.blocked() ?? '',
        ),
      );
    });
  });
});

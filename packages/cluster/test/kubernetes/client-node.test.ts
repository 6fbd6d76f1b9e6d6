import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The version that the two modules below were tried with. */
const TRIED = '2.0.1';
const PAGE = 'docs/decisions/0007-two-modules-of-client-node.md';

/** Both belong to client-node's private folder: a new version may move, rename or drop them. */
const MODULES = {
  '@kubernetes/client-node/dist/config_types.js': ['newClusters', 'newContexts', 'newUsers'],
  '@kubernetes/client-node/dist/exec_auth.js': ['ExecAuth'],
} as const;

describe('client-node, of which two private modules are imported', () => {
  test(`is version ${TRIED}, which they were tried with`, async () => {
    const path = fileURLToPath(import.meta.resolve('@kubernetes/client-node/package.json'));
    const { version } = JSON.parse(await readFile(path, 'utf8'));
    assert.equal(
      version,
      TRIED,
      `client-node is ${version} now, and ${TRIED} was tried: run the tests of packages/cluster, read ${PAGE}, then set TRIED to ${version}`,
    );
  });

  for (const [module, names] of Object.entries(MODULES)) {
    test(`has ${names.join(', ')} in ${module}`, async () => {
      const exported: Record<string, unknown> = await import(module).catch((error: unknown) => {
        throw new Error(`client-node has no ${module} any more: read ${PAGE}`, { cause: error });
      });
      const missing = names.filter((name) => typeof exported[name] !== 'function');
      assert.deepEqual(missing, [], `${module} exports no ${missing.join()}: read ${PAGE}`);
    });
  }

  test('runs an exec plugin by applyAuthentication', async () => {
    const { ExecAuth } = await import('@kubernetes/client-node/dist/exec_auth.js');
    assert.equal(typeof ExecAuth.prototype.applyAuthentication, 'function');
  });

  test('reads a kubeconfig into the fields that are used', async () => {
    const types = await import('@kubernetes/client-node/dist/config_types.js');
    const context = { cluster: 'c', user: 'u', namespace: 'n' };
    assert.deepEqual(types.newContexts([{ name: 'one', context }]), [{ name: 'one', ...context }]);
    const cluster = {
      server: 'https://s',
      'certificate-authority': 'ca.pem',
      'tls-server-name': 'other',
      'insecure-skip-tls-verify': true,
    };
    const [read] = types.newClusters([{ name: 'c', cluster }]);
    assert.deepEqual(
      [read?.server, read?.caFile, read?.tlsServerName, read?.skipTLSVerify],
      ['https://s', 'ca.pem', 'other', true],
    );
    const user = { 'client-certificate': 'c', 'client-key-data': 'k', token: 't' };
    const [person] = types.newUsers([{ name: 'u', user }]);
    assert.deepEqual([person?.certFile, person?.keyData, person?.token], ['c', 'k', 't']);
  });
});

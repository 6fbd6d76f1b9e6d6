import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { controlPlaneTools, missingControlPlane } from '../src/gotools.ts';
import { missingHelm } from '../src/helm.ts';

test('KUBEBUILDER_ASSETS wins, with or without a kube-controller-manager', async (t) => {
  const folder = await assets(t, ['etcd', 'kube-apiserver', 'kubectl']);
  const env = { ...process.env, KUBEBUILDER_ASSETS: folder };
  assert.deepEqual(await controlPlaneTools(env), {
    etcd: join(folder, 'etcd'),
    kubeApiServer: join(folder, 'kube-apiserver'),
    kubectl: join(folder, 'kubectl'),
    kubeControllerManager: undefined,
  });
  const whole = await assets(t, ['etcd', 'kube-apiserver', 'kubectl', 'kube-controller-manager']);
  const tools = await controlPlaneTools({ ...env, KUBEBUILDER_ASSETS: whole });
  assert.equal(tools.kubeControllerManager, join(whole, 'kube-controller-manager'));
});

test('an incomplete KUBEBUILDER_ASSETS is reported, not replaced by a build', async (t) => {
  const folder = await assets(t, ['etcd', 'kubectl']);
  const env = { ...process.env, KUBEBUILDER_ASSETS: folder };
  assert.match(
    String(await missingControlPlane(env)),
    /kube-apiserver is missing: complete KUBEBUILDER_ASSETS/,
  );
  await assert.rejects(controlPlaneTools(env), /kube-apiserver/);
});

test('without a Go toolchain one line says what to install', async (t) => {
  const env = { PATH: await assets(t, []) };
  const missing = String(await missingControlPlane(env));
  assert.match(missing, /is not on PATH/);
  assert.equal(missing.split('\n').length, 1);
  await assert.rejects(controlPlaneTools(env), /go is not on PATH; install Go 1\.26/);
  assert.match(String(await missingHelm(env)), /no helm: .* go is not on PATH; install Go 1\.26/);
});

async function assets(t: TestContext, names: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'openfero-assets-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const name of names) await writeFile(join(folder, name), '', { mode: 0o755 });
  return folder;
}

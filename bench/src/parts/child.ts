import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { STUB_NAMESPACE } from './names.ts';
import type { Program } from './program.ts';
import type { Target } from './system.ts';
import type { Testbed } from './testbed.ts';

/** Starts a program of the benchmarks as a process. */
export function startChild(
  testbed: Testbed,
  name: 'stub-api-server.ts' | 'empty-worker.ts' | 'empty-http.mjs',
  ...args: readonly string[]
): Promise<Program> {
  const file = fileURLToPath(new URL(`../children/${name}`, import.meta.url));
  return testbed.start({ file, env: {}, args });
}

/** Starts an API server that answers 201 at once. @returns a worker's way to it */
export async function startStub(testbed: Testbed): Promise<Target> {
  const { url } = await startChild(testbed, 'stub-api-server.ts');
  const kubeconfig = join(testbed.folder, `stub-${testbed.next()}.kubeconfig`);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'stub',
    contexts: [{ name: 'stub', context: { cluster: 'stub', user: 'stub' } }],
    clusters: [{ name: 'stub', cluster: { server: url } }],
    users: [{ name: 'stub', user: { token: 'stub' } }],
  };
  await writeFile(kubeconfig, JSON.stringify(config));
  return { kubeconfig, namespace: STUB_NAMESPACE };
}

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bed } from './bed.ts';
import { STUB_NAMESPACE } from './names.ts';
import type { Program } from './program.ts';
import type { Target } from './system.ts';

/** A program of the bench's own, as a process beside it. */
export function startChild(
  bed: Bed,
  name: 'stub-api-server' | 'empty-worker' | 'empty-fastify',
  ...args: readonly string[]
): Promise<Program> {
  const file = fileURLToPath(new URL(`../children/${name}.ts`, import.meta.url));
  return bed.start({ file, env: {}, args });
}

/** An API server that answers 201 at once, and what a worker finds it by. */
export async function startStub(bed: Bed): Promise<Target> {
  const { url } = await startChild(bed, 'stub-api-server');
  const kubeconfig = join(bed.folder, `stub-${bed.next()}.kubeconfig`);
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

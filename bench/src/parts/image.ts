import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { deployedMemory } from '@openfero/testkit/deployed';
import type { ServiceName } from '@openfero/testkit/process';

/** The variables of deploy/Dockerfile. */
export type ImageVariables = Readonly<Record<string, string>>;

/**
 * How Node.js runs in the image, with the memory of a service: by default V8 collects garbage according to the
 * memory of the machine.
 *
 * @param folder for compiled code
 */
export const asInTheImage = (service: ServiceName, folder: string): ImageVariables => ({
  NODE_ENV: 'production',
  NODE_COMPILE_CACHE: join(folder, 'compiled'),
  ...deployedMemory(service).env,
});

/** Compiles a service as the build of the image does: without settings it loads all of its modules and exits. */
export function compile(file: string, env: ImageVariables): void {
  spawnSync(process.execPath, [file], { env });
}

/** With which memory programs run, as text. */
export function describeImage(service: ServiceName): string {
  const { limit, env } = deployedMemory(service);
  const variables = Object.entries(env).map(([name, value]) => `${name}='${value}'`);
  return `${limit} MiB: ${variables.join(' ')}`;
}

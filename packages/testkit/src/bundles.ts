import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAM = fileURLToPath(new URL('../../../deploy/image/bundle.ts', import.meta.url));

/**
 * Bundles the services into a new folder and names it in OPENFERO_BUNDLES, so that what is started from
 * now on, by this process and its children, is what ships.
 *
 * @returns what deletes the folder
 */
export async function runOnBundles(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'openfero-bundles-'));
  await promisify(execFile)(process.execPath, [PROGRAM, folder]);
  process.env['OPENFERO_BUNDLES'] = folder;
  return () => rm(folder, { recursive: true, force: true });
}

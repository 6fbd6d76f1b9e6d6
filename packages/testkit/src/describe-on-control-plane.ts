import { after, describe } from 'node:test';
import {
  type Cluster,
  missingControlPlane,
  openCluster,
  startControlPlane,
} from './controlplane.ts';

/** Set by test/setup.ts: the folder of the control plane that all test files share. */
const SHARED = 'OPENFERO_TEST_CONTROL_PLANE';

/**
 * For the global setup of the test runner: starts one control plane for all test files, since a start
 * takes 3 s. Tests keep apart by using namespaces of their own.
 *
 * @returns what stops it
 */
export async function shareControlPlane(): Promise<() => Promise<void>> {
  const { skip } = await withoutControlPlane();
  if (skip !== false) {
    console.log(`skipping the tests that need a control plane: ${skip}`);
    return async () => {};
  }
  const plane = await startControlPlane();
  process.env[SHARED] = plane.folder;
  return plane.stop;
}

/** Options of `describe`: skips the tests where there is no control plane, except in CI. */
export async function withoutControlPlane(): Promise<{ skip: string | false }> {
  const isRequired = process.env['CI'] === 'true';
  return { skip: isRequired ? false : ((await missingControlPlane()) ?? false) };
}

/** `describe` with the shared control plane, or one that is started for this file alone. */
export async function describeOnControlPlane(
  name: string,
  tests: (plane: Cluster) => void,
  options: { readonly timeout?: number } = {},
): Promise<void> {
  const { skip } = await withoutControlPlane();
  if (skip !== false) return describe(name, { skip });
  const { plane, stop } = await openControlPlane();
  return describe(name, options, () => {
    after(stop);
    tests(plane);
  });
}

async function openControlPlane(): Promise<{ plane: Cluster; stop: () => Promise<void> }> {
  const folder = process.env[SHARED];
  if (folder !== undefined) return { plane: await openCluster(folder), stop: async () => {} };
  const plane = await startControlPlane();
  return { plane, stop: plane.stop };
}

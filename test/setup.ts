import { missingControlPlane, startControlPlane } from '@openfero/testkit/controlplane';

let stop = async (): Promise<void> => {};

/**
 * One control plane for a whole run: it takes 3 s to start, and the tests keep out of each other's way
 * by namespaces. They find it by the variable that is set here.
 */
export async function globalSetup(): Promise<void> {
  const missing = await missingControlPlane();
  if (missing !== undefined && process.env['CI'] !== 'true') {
    console.log(`tests on a real control plane are skipped: ${missing}`);
    return;
  }
  const plane = await startControlPlane();
  stop = () => plane.stop();
  process.env['OPENFERO_TEST_CONTROL_PLANE'] = plane.folder;
}

export const globalTeardown = (): Promise<void> => stop();

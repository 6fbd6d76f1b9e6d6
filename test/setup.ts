import { shareControlPlane } from '@openfero/testkit/describe-on-control-plane';

let stop = async (): Promise<void> => {};

/** Starts the control plane that all test files share. */
export async function globalSetup(): Promise<void> {
  stop = await shareControlPlane();
}

export const globalTeardown = (): Promise<void> => stop();

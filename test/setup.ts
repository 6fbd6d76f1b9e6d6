import { runOnBundles } from '@openfero/testkit/bundles';
import { shareControlPlane } from '@openfero/testkit/describe-on-control-plane';

const closing: (() => Promise<void>)[] = [];

/** Starts the control plane that all test files share, and bundles the services for end-to-end tests. */
export async function globalSetup(): Promise<void> {
  closing.push(await shareControlPlane());
  closing.push(await runOnBundles());
}

export async function globalTeardown(): Promise<void> {
  for (const close of closing) await close();
}

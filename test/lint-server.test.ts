import { it } from 'node:test';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import {
  findsBad,
  findsNothing,
  idsOf,
  SERVER_EXAMPLES,
} from '../packages/cli/test/lint-examples.ts';
import { openfero } from './openfero.ts';

await describeOnControlPlane('openfero lint --server', (plane) => {
  const lint = (args: readonly string[]) =>
    openfero({ KUBECONFIG: plane.adminKubeconfig }, ['lint', '--server', '-n', 'default', ...args]);

  for (const id of idsOf(SERVER_EXAMPLES)) {
    it(`${id}: finds the bad example and nothing else in it`, () =>
      findsBad(SERVER_EXAMPLES, id, lint));
    it(`${id}: finds nothing in the good example`, () => findsNothing(SERVER_EXAMPLES, id, lint));
  }
});

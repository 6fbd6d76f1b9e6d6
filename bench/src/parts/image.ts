import { deployedMemory } from '@openfero/testkit/deployed';

/**
 * How Node.js runs in the image, also for the programs that OpenFero is compared with: by default V8 collects
 * garbage according to the memory of the machine.
 */

const { limit, nodeOptions } = deployedMemory('worker');

/** Those of deploy/Dockerfile in the container of a worker. */
export const NODE_OPTIONS = nodeOptions;

/** Of that container, in MiB. */
export const LIMIT = limit;

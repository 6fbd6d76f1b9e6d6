import { readFileSync } from 'node:fs';
import type { ServiceName } from './process.ts';

/** The memory that a service has where it is deployed. */
export interface DeployedMemory {
  /** Of the container, in MiB. */
  readonly limit: number;
  /** NODE_OPTIONS of the image. Its percentage is of the limit of the container, which a test has not. */
  readonly nodeOptions: string;
}

/** @returns what deploy/kubernetes, and so the chart, and deploy/Dockerfile say */
export function deployedMemory(service: ServiceName): DeployedMemory {
  const limit = numberIn(`kubernetes/${service}.yaml`, /limits: \{ memory: (\d+)Mi \}/);
  const percent = numberIn('Dockerfile', /--max-old-space-size-percentage=(\d+)/);
  const semiSpace = numberIn('Dockerfile', /--max-semi-space-size=(\d+)/);
  const oldSpace = Math.floor((limit * percent) / 100);
  return {
    limit,
    nodeOptions: `--max-old-space-size=${oldSpace} --max-semi-space-size=${semiSpace}`,
  };
}

function numberIn(path: string, pattern: RegExp): number {
  const text = readFileSync(new URL(`../../../deploy/${path}`, import.meta.url), 'utf8');
  const found = Number(pattern.exec(text)?.[1]);
  if (found > 0) return found;
  throw new Error(`deploy/${path} does not match ${pattern}`);
}

import { readFileSync } from 'node:fs';
import type { ServiceName } from './process.ts';

/** The memory that a service has where it is deployed. */
export interface DeployedMemory {
  /** Of the container, in MiB. */
  readonly limit: number;
  /** The variables of the service, or of the image, that say what it takes of that. */
  readonly env: Readonly<Record<string, string>> & { readonly NODE_OPTIONS: string };
}

/** @returns what deploy/kubernetes, and so the chart, and deploy/Dockerfile say */
export function deployedMemory(service: ServiceName): DeployedMemory {
  const manifest = textOf(`kubernetes/${service}.yaml`);
  const image = textOf('Dockerfile');
  const limit = numberIn(manifest, /limits: \{ memory: (\d+)Mi \}/);
  const options = manifest.includes('NODE_OPTIONS') ? manifest : image;
  const percent = numberIn(options, /--max-old-space-size-percentage=(\d+)/);
  const semiSpace = numberIn(options, /--max-semi-space-size=(\d+)/);
  // A percentage is of the limit of the container, which a test has not.
  const oldSpace = Math.floor((limit * percent) / 100);
  return {
    limit,
    env: {
      NODE_OPTIONS: `--max-old-space-size=${oldSpace} --max-semi-space-size=${semiSpace}`,
      ...Object.fromEntries(
        image.matchAll(/\b(MALLOC_\w+)=(\d+)/g).map(([, name, value]) => [name, value]),
      ),
    },
  };
}

const textOf = (path: string): string =>
  readFileSync(new URL(`../../../deploy/${path}`, import.meta.url), 'utf8');

function numberIn(text: string, pattern: RegExp): number {
  const found = Number(pattern.exec(text)?.[1]);
  if (found > 0) return found;
  throw new Error(`nothing in deploy matches ${pattern}`);
}

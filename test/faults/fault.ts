import type { Random } from '@openfero/testkit/random';
import type { Installation } from './installation.ts';
import type { Observer } from './observer.ts';

/** What a fault affects. Two faults at the same place never overlap, so that some worker always runs. */
export type Place = 'redis' | 'api server' | 'worker' | 'receiver' | 'people' | 'alertmanager';

/** Something that goes wrong while run() is pending. */
export interface Fault {
  readonly name: string;
  /** Where it happens, and which places must have no other fault meanwhile. */
  readonly at: readonly Place[];
  run(context: Context): Promise<void>;
}

/** What has a time limit. */
export type Recovery = 'killed worker' | 'Redis back' | 'API server back';

export interface Context {
  readonly installation: Installation;
  readonly observer: Observer;
  /** For this fault alone, independent of the others. */
  readonly random: Random;
  /** What was done by hand, which the checks must allow for. */
  readonly people: People;
  /** Measures a recovery, unless another fault interferes. */
  recovery(of: Recovery, until: () => Promise<boolean>): Promise<void>;
}

/** What was done to the queue by hand. */
export interface People {
  /** Time in ms; `id` is undefined if all failed remediations were retried. */
  readonly retries: { readonly at: number; readonly id: string | undefined }[];
  readonly removed: Set<string>;
  /** Payloads of a newer version than the workers know. */
  readonly newer: Set<string>;
}

/** Random milliseconds in a range. */
export const between = (random: Random, least: number, most: number): number =>
  least + random.below(most - least);

/** A random element. @throws if there is none */
export function oneOf<T>(random: Random, from: readonly T[]): T {
  const one = random.pick(from);
  if (one === undefined) throw new Error('nothing to choose from');
  return one;
}

import type { Random } from '@openfero/testkit/random';
import type { Stage } from './stage.ts';
import type { Witness } from './witness.ts';

/** What a fault is about. Two of the same do not happen at once, so some worker is always left. */
export type Place = 'redis' | 'api server' | 'worker' | 'receiver' | 'people';

/** Something that goes wrong, for as long as run() takes. */
export interface Kind {
  readonly name: string;
  /** Where it happens, and what else must be left alone meanwhile. */
  readonly at: readonly Place[];
  run(means: Means): Promise<void>;
}

/** What was promised with a number. */
export type Promised = 'killed worker' | 'Redis back' | 'API server back';

export interface Means {
  readonly stage: Stage;
  readonly witness: Witness;
  /** Of this fault alone: what others draw, and when, changes nothing here. */
  readonly random: Random;
  /** What people did, and what must not be taken for a loss. */
  readonly people: People;
  /** Takes the time of a recovery, unless another fault gets in its way. */
  recovery(of: Promised, until: () => Promise<boolean>): Promise<void>;
}

/** What was done by hand in the queue. */
export interface People {
  /** With the time (ms); of one remediation, or of all that had failed. */
  readonly retries: { readonly at: number; readonly id: string | undefined }[];
  readonly removed: Set<string>;
  /** Payloads of a version that these workers do not know. */
  readonly newer: Set<string>;
}

/** Milliseconds, at random within. */
export const between = (random: Random, least: number, most: number): number =>
  least + random.below(most - least);

/** One of them, which there is. */
export function oneOf<T>(random: Random, from: readonly T[]): T {
  const one = random.pick(from);
  if (one === undefined) throw new Error('there is nothing to choose from');
  return one;
}

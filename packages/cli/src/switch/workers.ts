import type { Mode } from '@openfero/core/operarius/policy';

/** A worker, and what it says of the switch. */
export interface Worker {
  readonly name: string;
  /** Of its operarii; undefined where that is not known. */
  readonly namespace: string | undefined;
  /** What it obeys, as far as that is known. */
  readonly mode: Mode | undefined;
  /** Whether it has said what it obeys. */
  readonly hasSaid: boolean;
  /** Whether it runs, as far as that is known. */
  readonly isAlive: boolean;
  /** In one line for people. */
  readonly says: string;
}

/** Asks all workers. @throws {CouldNotAsk} */
export type AskWorkers = () => Promise<readonly Worker[]>;

/** Whether a switch is in force: everywhere, not yet everywhere, or why it cannot be said. */
export type InForce =
  | { readonly kind: 'everywhere'; readonly count: number }
  | { readonly kind: 'not-yet' | 'unsure'; readonly problems: readonly string[] };

/** Those of a namespace, and those that may be of any. */
export function workersOf(workers: readonly Worker[], namespace: string): readonly Worker[] {
  return workers.filter((worker) => (worker.namespace ?? namespace) === namespace);
}

/** Compares what the workers of a namespace say with what was written. */
export function isInForce(workers: readonly Worker[], wanted: Mode, namespace: string): InForce {
  const own = workersOf(workers, namespace);
  const alive = own.filter(({ isAlive }) => isAlive);
  const others = own.filter(({ mode }) => mode !== wanted);
  const missing = others.filter(({ isAlive }) => isAlive);
  if (missing.length > 0) return { kind: 'not-yet', problems: missing.map(lineOf) };
  if (others.length === 0 && alive.length > 0) return { kind: 'everywhere', count: alive.length };
  const problems =
    own.length === 0
      ? [`no worker reads the namespace ${namespace}`]
      : (others.length > 0 ? others : own).map(lineOf);
  return { kind: 'unsure', problems };
}

export const lineOf = ({ name, says }: Worker): string => `worker ${name}: ${says}`;

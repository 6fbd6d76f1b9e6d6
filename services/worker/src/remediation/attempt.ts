import type { Cluster } from '@openfero/cluster/cluster';
import type { Trouble } from '@openfero/core/identity/trouble';
import type { Operarius } from '@openfero/core/operarius';
import type { HeldReason, Result } from '@openfero/core/outcome';
import type { Remediation } from '@openfero/core/redis/remediation';
import type { Memories } from '../redis/memory.ts';
import type { Places } from '../redis/places.ts';
import type { WorkerSettings } from '../settings.ts';
import type { Registry } from './registry.ts';

/** One remediation, handed to this worker for one attempt. */
export interface Delivery {
  readonly remediation: Remediation;
  /** Stalled or tried before: an earlier attempt may have created its Job. */
  readonly again: boolean;
  /** What the attempt before ended with, if it failed. */
  readonly lastError: string | undefined;
  /** Makes sure that it is still ours. @throws {LockLost} */
  confirmLock(): Promise<void>;
  /** Keeps a changed payload in the queue. */
  save(remediation: Remediation): Promise<void>;
  /** From here on the same occurrence, sent again, is not absorbed by this remediation. */
  freeOccurrence(): Promise<void>;
}

/** What an attempt works with. */
export interface Dependencies {
  readonly settings: WorkerSettings;
  readonly cluster: Cluster;
  readonly registry: Registry;
  readonly memories: Memories;
  readonly places: Places;
}

/** An attempt that has found its operarius. */
export interface Attempt extends Trouble {
  readonly delivery: Delivery;
  readonly deps: Dependencies;
  readonly operarius: Operarius;
}

/** How one attempt ends, if not by an error (see verdict.ts). */
export type Step =
  | { readonly kind: 'end'; readonly result: Result }
  /** To be looked at again at `until` (ms, Redis' clock), carrying `remediation` then. */
  | {
      readonly kind: 'hold';
      readonly reason: HeldReason;
      readonly until: number;
      readonly remediation: Remediation;
    };

export function end(
  outcome: Result['outcome'],
  operarius: string,
  reason: string,
  more: Partial<Result> = {},
): Step {
  return { kind: 'end', result: { outcome, operarius, reason, ...more } };
}

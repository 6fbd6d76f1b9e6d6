import type { Cluster } from '@openfero/cluster/cluster';
import type { OperariusRegistry } from '@openfero/core/decisions/registry';
import type { Target } from '@openfero/core/identity/target';
import type { Trouble } from '@openfero/core/identity/trouble';
import type { Operarius } from '@openfero/core/operarius';
import type { HeldReason, Result } from '@openfero/core/outcome';
import type { Remediation } from '@openfero/core/redis/remediation';
import type { Tracing } from '@openfero/service/tracing';
import type { Alertmanagers } from '../alertmanager/ask.ts';
import type { EpisodeMemory } from '../redis/memory.ts';
import type { Places } from '../redis/places.ts';
import type { QueueEntry } from '../redis/take-place.ts';
import type { WorkerSettings } from '../settings.ts';

/** One remediation, handed to this worker for one attempt. */
export interface Delivery {
  readonly remediation: Remediation;
  readonly entry: QueueEntry;
  /** Stalled or tried before: an earlier attempt may have created its Job. */
  readonly again: boolean;
  /** The error of the attempt before, if it failed. */
  readonly lastError: string | undefined;
  /** The span of this attempt, if it is traced. */
  readonly traceparent?: string | undefined;
  /** Makes sure that the remediation is still this worker's. @throws {LockLost} */
  confirmLock(): Promise<void>;
  /** Stores a changed payload in the queue. @throws {LockLost} */
  save(remediation: Remediation): Promise<void>;
  /** From here on, the same occurrence sent again is queued and not absorbed by this remediation. */
  freeOccurrence(): Promise<void>;
}

/** What an attempt works with. */
export interface Dependencies {
  readonly settings: WorkerSettings;
  readonly cluster: Cluster;
  readonly registry: OperariusRegistry;
  readonly memory: EpisodeMemory;
  readonly places: Places;
  readonly tracing: Tracing;
  /** Asked before each create; undefined without OPENFERO_ALERTMANAGER_URL. */
  readonly alertmanagers?: Alertmanagers | undefined;
}

/** An attempt that has found its operarius. */
export interface Attempt extends Trouble {
  /** When its episode began: see beganAt in identity/trouble.ts. */
  readonly began: number;
  /** Its Job is created suspended, and a person is asked. */
  readonly asks: boolean;
  readonly delivery: Delivery;
  readonly deps: Dependencies;
  readonly operarius: Operarius;
  /** What its Job works on, if the policy says so. */
  readonly target: Target | undefined;
}

/** How one attempt ends, if not by an error (see verdict.ts). */
export type AttemptResult =
  /** The remediation has its outcome. */
  | { readonly kind: 'end'; readonly result: Result }
  /** It waits and is tried again at `until` (ms, Redis' clock), then with this payload. */
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
): AttemptResult {
  return { kind: 'end', result: { outcome, operarius, reason, ...more } };
}

/** Holds an attempt until then (ms, Redis' clock), for a reason that does not count towards max-age. */
export function holdUntil(
  { delivery: { remediation } }: Attempt,
  reason: 'cooldown' | 'claimed',
  until: number,
  now: number,
): AttemptResult & { readonly kind: 'hold' } {
  const cooled = (remediation.cooled ?? 0) + until - now;
  return { kind: 'hold', reason, until, remediation: { ...remediation, cooled } };
}

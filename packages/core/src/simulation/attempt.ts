import type { CommonLimits, Counts } from '../decisions/limits.ts';
import type { OperariusRegistry } from '../decisions/registry.ts';
import type { Operarius } from '../operarius/operarius.ts';
import type { Memory } from '../redis/memory.ts';
import type { Remediation } from '../redis/remediation.ts';
import type { State } from '../redis/states.ts';
import type { Stopped } from '../redis/stopped.ts';
import type { JobSettings } from '../render/render-job.ts';
import type { Walk } from './walk.ts';

/** What bears on a remediation besides its alert: Redis and the cluster, real or simulated. */
export interface Facts {
  readonly registry: OperariusRegistry;
  readonly settings: JobSettings & CommonLimits;
  /** Milliseconds. */
  readonly now: number;
  /** The latest received state of the alert. */
  readonly state: State | undefined;
  /** The latest Job of a trouble. */
  readonly memoryOf: (troubleKey: string) => Memory | undefined;
  /** When its latest Jobs were created, milliseconds. */
  readonly creationsOf: (troubleKey: string) => readonly number[];
  /** Whether the Job that is remembered exists and has not ended. */
  readonly isUnfinished: (memory: Memory, troubleKey: string) => boolean;
  /** That an operarius was stopped, whether or not that is over. */
  readonly stoppedOf: (operarius: string) => Stopped | undefined;
  readonly counts: Counts;
  /** The unfinished Job that works on a target, by its digest. */
  readonly holderOf: (target: string) => string | undefined;
}

/** A remediation that has found its operarius. */
export interface Attempt {
  readonly remediation: Remediation;
  readonly operarius: Operarius;
  readonly facts: Facts;
  readonly walk: Walk;
}

/** Whether its Job is created suspended, for a person to release. */
export const asks = ({ facts, operarius }: Pick<Attempt, 'facts' | 'operarius'>): boolean =>
  facts.registry.modeOf(operarius) === 'approve';

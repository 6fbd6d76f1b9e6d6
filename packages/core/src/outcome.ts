/**
 * The closed list of ends. A remediation has exactly one of them; the same words are BullMQ's
 * result, the log line and the label `outcome` of openfero_remediations_total.
 */
export const OUTCOMES = [
  'created',
  'deduplicated',
  'no-operarius',
  'not-matched',
  'own-job',
  'superseded',
  'suppressed',
  'dry-run',
  'off',
] as const;

/** The ends that a person should look at: BullMQ's failed set. */
export const FAILURES = [
  'invalid-operarius',
  'rejected',
  'expired',
  'stopped',
  'unreadable',
] as const;

export type Outcome = (typeof OUTCOMES)[number];
export type Failure = (typeof FAILURES)[number];
export type End = Outcome | Failure;

export const ENDS: readonly End[] = [...OUTCOMES, ...FAILURES];

/** Why a remediation waits although a worker looked at it: the label of openfero_remediations_held. */
export const HELD_REASONS = [
  'max-active-jobs',
  'max-active',
  'max-runs',
  'target',
  'cooldown',
  'claimed',
  'newer-payload',
] as const;
export type HeldReason = (typeof HELD_REASONS)[number];

/**
 * Why an attempt failed and is repeated: the label of openfero_remediation_retries_total. All but the last
 * two are what the API server answered.
 */
export const RETRY_REASONS = [
  'unreachable',
  'timeout',
  'throttled',
  'quota',
  'forbidden',
  'conflict',
  'server-error',
  'alertmanager',
  'other',
] as const;
export type RetryReason = (typeof RETRY_REASONS)[number];

/**
 * Whether a Job that succeeded helped: its alert has resolved, still fires, or nobody knows. The label of
 * openfero_effects_total.
 */
export const EFFECTS = ['resolved', 'firing', 'unknown'] as const;
export type Effect = (typeof EFFECTS)[number];

/** What a remediation that ended without failure leaves as BullMQ's result. */
export interface Result {
  readonly outcome: Outcome;
  /** The ConfigMap's name, empty where there is none. */
  readonly operarius: string;
  /** One sentence for people: why this outcome. */
  readonly reason: string;
  /** The Kubernetes Job that stands for this remediation: created by it, or the one that absorbed it. */
  readonly job?: string;
  /** Digest of the operarius that decided it; absent where there is none. */
  readonly definition?: string;
  /** What the API server or the renderer warned of. */
  readonly warnings?: readonly string[];
  /** With dry-run: the Job that would have been created, or why it is not kept. */
  readonly manifest?: unknown;
}

import { InvalidMatchers, type Matcher, parseMatchers } from '@openfero/core/matchers';
import { DEFAULT_POLICY, type Policy } from '@openfero/core/operarius/policy';
import {
  COUNT,
  DEDUPLICATION,
  DURATION,
  DURATION_ABOVE_0,
  DURATION_OR_NEVER,
  DURATION_OR_OFF,
  DURATION_OR_REARM,
  MODE,
  REPEATS,
  ROW,
  RUNS,
  type Syntax,
} from '@openfero/core/operarius/policy-syntax';
import { type Environment, InvalidSetting, readEach, text } from './settings.ts';

/** What decides about every remediation: the worker's, and what the command line says it would do. */
export interface RemediationSettings {
  /** What an operarius' annotations override. */
  readonly policy: Policy;
  /** Unfinished Jobs at once over all operarii; 0 is no limit. */
  readonly maxActiveJobs: number;
  /** Jobs that are started in a time over all operarii. */
  readonly maxRuns: Policy['maxRuns'];
  /** Seconds; 0 leaves the template's field unset. */
  readonly jobTtl: number;
  readonly jobDeadline: number;
}

/** Unfinished Jobs over all operarii. */
const DEFAULT_MAX_ACTIVE_JOBS = 50;

/** Milliseconds: the default ttl and deadline of a Job. */
const HOUR = 3_600_000;

/** @throws {InvalidSettings} naming the variables that are wrong */
export function readRemediationSettings(env: Environment): RemediationSettings {
  return readEach<RemediationSettings>({
    policy: () => readPolicyDefaults(env),
    maxActiveJobs: () =>
      readSetting(env, 'OPENFERO_MAX_ACTIVE_JOBS', COUNT, DEFAULT_MAX_ACTIVE_JOBS),
    maxRuns: () => readSetting(env, 'OPENFERO_MAX_RUNS', RUNS, 'none'),
    jobTtl: () => seconds(env, 'OPENFERO_JOB_TTL'),
    jobDeadline: () => seconds(env, 'OPENFERO_JOB_DEADLINE'),
  });
}

function readPolicyDefaults(env: Environment): Policy {
  const policy: Policy = {
    ...DEFAULT_POLICY,
    ...readEach<Partial<Policy>>({
      dedupBy: () => readSetting(env, 'OPENFERO_DEDUP_BY', DEDUPLICATION, DEFAULT_POLICY.dedupBy),
      cooldown: () => readSetting(env, 'OPENFERO_COOLDOWN', DURATION, DEFAULT_POLICY.cooldown),
      repeatAfter: () =>
        readSetting(env, 'OPENFERO_REPEAT_AFTER', DURATION_OR_NEVER, DEFAULT_POLICY.repeatAfter),
      maxAge: () => readSetting(env, 'OPENFERO_MAX_AGE', DURATION, DEFAULT_POLICY.maxAge),
      maxActive: () =>
        readSetting(env, 'OPENFERO_MAX_ACTIVE_PER_OPERARIUS', COUNT, DEFAULT_POLICY.maxActive),
      maxRuns: () =>
        readSetting(env, 'OPENFERO_MAX_RUNS_PER_OPERARIUS', RUNS, DEFAULT_POLICY.maxRuns),
      mode: () => readSetting(env, 'OPENFERO_MODE', MODE, DEFAULT_POLICY.mode),
      approvalTimeout: () =>
        readSetting(
          env,
          'OPENFERO_APPROVAL_TIMEOUT',
          DURATION_ABOVE_0,
          DEFAULT_POLICY.approvalTimeout,
        ),
      match: () => matchers(env),
      maxRepeats: () =>
        readSetting(env, 'OPENFERO_MAX_REPEATS', REPEATS, DEFAULT_POLICY.maxRepeats),
      effectWithin: () =>
        readSetting(env, 'OPENFERO_EFFECT_WITHIN', DURATION_OR_OFF, DEFAULT_POLICY.effectWithin),
      stopAfter: () => readSetting(env, 'OPENFERO_STOP_AFTER', ROW, DEFAULT_POLICY.stopAfter),
      stopFor: () =>
        readSetting(env, 'OPENFERO_STOP_FOR', DURATION_OR_REARM, DEFAULT_POLICY.stopFor),
    }),
  };
  if (policy.dedupBy !== 'alert') refuseContradiction(policy);
  return policy;
}

/** Where windows of receipt are the episodes, there is no repeating, and a window has a length. */
function refuseContradiction({ dedupBy, repeatAfter, cooldown }: Policy): void {
  if (repeatAfter !== 'never') {
    throw new InvalidSetting(
      'OPENFERO_REPEAT_AFTER',
      `goes with OPENFERO_DEDUP_BY=alert, not with ${dedupBy}: unset one of them`,
    );
  }
  if (cooldown === 0) {
    throw new InvalidSetting(
      'OPENFERO_COOLDOWN',
      `cannot be 0 with OPENFERO_DEDUP_BY=${dedupBy}: it is the length of an episode there`,
    );
  }
}

/** Reads a value that an operarius' annotation may override: both are written alike. */
export function readSetting<T>(env: Environment, name: string, syntax: Syntax<T>, fallback: T): T {
  const value = text(env, name);
  if (value === undefined) return fallback;
  const parsed = syntax.parse(value);
  if (parsed !== undefined) return parsed;
  throw new InvalidSetting(name, `${JSON.stringify(value)} is wrong: expected ${syntax.allowed}`);
}

/** @returns whole seconds: what a Job's fields are in */
function seconds(env: Environment, name: string): number {
  return Math.ceil(readSetting(env, name, DURATION, HOUR) / 1000);
}

function matchers(env: Environment): readonly Matcher[] {
  const value = text(env, 'OPENFERO_MATCH');
  if (value === undefined) return [];
  try {
    return parseMatchers(value);
  } catch (error) {
    if (error instanceof InvalidMatchers) throw new InvalidSetting('OPENFERO_MATCH', error.message);
    throw error;
  }
}

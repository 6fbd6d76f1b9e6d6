import { type ClusterSettings, readClusterSettings } from '@openfero/cluster/settings';
import { InvalidMatchers, type Matcher, parseMatchers } from '@openfero/core/matchers';
import {
  COUNT,
  DEDUPLICATION,
  DEFAULT_POLICY,
  DURATION,
  DURATION_OR_NEVER,
  MODE,
  type Policy,
  type Syntax,
} from '@openfero/core/operarius/policy';
import { DEFAULT_HISTORY_AGE, DEFAULT_HISTORY_COUNT } from '@openfero/core/redis/history';
import {
  type CommonSettings,
  type Environment,
  InvalidSetting,
  integer,
  readCommonSettings,
  readEach,
  text,
} from '@openfero/service/settings';

export interface WorkerSettings extends CommonSettings, ClusterSettings {
  /** Remediations in hand at once. */
  readonly concurrency: number;
  /** What an operarius' annotations override. */
  readonly policy: Policy;
  /** Unfinished Jobs at once over all operarii; 0 is no limit. */
  readonly maxActiveJobs: number;
  /** Seconds; 0 leaves the template's field unset. */
  readonly jobTtl: number;
  readonly jobDeadline: number;
  /** Entries of the history, and milliseconds that one is kept. */
  readonly historyCount: number;
  readonly historyAge: number;
}

/** Measured default: 64 creates in flight reach the limit of one API server on two cores. */
const DEFAULT_CONCURRENCY = 64;

/** Unfinished Jobs over all operarii. */
const DEFAULT_MAX_ACTIVE_JOBS = 50;

/** Milliseconds: the default ttl and deadline of a Job. */
const HOUR = 3_600_000;

/**
 * Reads the worker's settings.
 *
 * @param env the environment, never read elsewhere
 * @throws {InvalidSettings} naming the variables that are wrong or missing
 */
export function readSettings(env: Environment): WorkerSettings {
  const { common, cluster, ...own } = readEach({
    common: () => readCommonSettings(env, 8081),
    cluster: () => readClusterSettings(env),
    concurrency: () =>
      integer(env, 'OPENFERO_CONCURRENCY', {
        fallback: DEFAULT_CONCURRENCY,
        min: 1,
        max: 1000,
      }),
    policy: () => readPolicyDefaults(env),
    maxActiveJobs: () => read(env, 'OPENFERO_MAX_ACTIVE_JOBS', COUNT, DEFAULT_MAX_ACTIVE_JOBS),
    jobTtl: () => seconds(env, 'OPENFERO_JOB_TTL'),
    jobDeadline: () => seconds(env, 'OPENFERO_JOB_DEADLINE'),
    historyCount: () =>
      integer(env, 'OPENFERO_HISTORY_COUNT', {
        fallback: DEFAULT_HISTORY_COUNT,
        min: 100,
        max: 10_000_000,
      }),
    historyAge: () => read(env, 'OPENFERO_HISTORY_AGE', DURATION, DEFAULT_HISTORY_AGE),
  });
  return Object.freeze({ ...common, ...cluster, ...own });
}

function readPolicyDefaults(env: Environment): Policy {
  const policy: Policy = {
    ...DEFAULT_POLICY,
    ...readEach<Partial<Policy>>({
      dedupBy: () => read(env, 'OPENFERO_DEDUP_BY', DEDUPLICATION, DEFAULT_POLICY.dedupBy),
      cooldown: () => read(env, 'OPENFERO_COOLDOWN', DURATION, DEFAULT_POLICY.cooldown),
      repeatAfter: () =>
        read(env, 'OPENFERO_REPEAT_AFTER', DURATION_OR_NEVER, DEFAULT_POLICY.repeatAfter),
      maxAge: () => read(env, 'OPENFERO_MAX_AGE', DURATION, DEFAULT_POLICY.maxAge),
      maxActive: () =>
        read(env, 'OPENFERO_MAX_ACTIVE_PER_OPERARIUS', COUNT, DEFAULT_POLICY.maxActive),
      mode: () => read(env, 'OPENFERO_MODE', MODE, DEFAULT_POLICY.mode),
      match: () => matchers(env),
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
function read<T>(env: Environment, name: string, syntax: Syntax<T>, fallback: T): T {
  const value = text(env, name);
  if (value === undefined) return fallback;
  const parsed = syntax.parse(value);
  if (parsed !== undefined) return parsed;
  throw new InvalidSetting(name, `${JSON.stringify(value)} is wrong: expected ${syntax.allowed}`);
}

/** @returns whole seconds: what a Job's fields are in */
function seconds(env: Environment, name: string): number {
  return Math.ceil(read(env, name, DURATION, HOUR) / 1000);
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

import { codeOf, messageOf } from '@openfero/core/errors';
import type { Logger } from '@openfero/service/log';
import { ClusterError } from '../../cluster.ts';
import type { Timing } from '../timing.ts';
import { RelistRequired } from './changes.ts';

/** Whether a watch works, and since when. Logs when that changes. */
export interface WatchHealth {
  /** Seconds since the cache was last known to be up to date; Infinity before the first list. */
  age(): number;
  /** Why nothing may be decided from the cache now, or undefined. Changes only with the reason. */
  problem(): string | undefined;
  isHealthy(): boolean;
  /** The cache is up to date. */
  confirm(): void;
  /** The server has accepted the watch. */
  recordRecovery(): void;
  recordFailure(error: unknown): void;
}

/** @param title of the watched objects, such as `ConfigMaps in namespace jobs` */
export function createWatchHealth(title: string, timing: Timing, log: Logger): WatchHealth {
  let confirmedAt = Number.NEGATIVE_INFINITY;
  let confirmedDate: string | undefined;
  let problem: string | undefined;
  const age = (): number => (performance.now() - confirmedAt) / 1000;
  return {
    age,
    isHealthy: () => problem === undefined,
    confirm() {
      confirmedAt = performance.now();
      confirmedDate = new Date().toISOString();
    },
    recordRecovery() {
      if (problem !== undefined) log.info(`the watch of ${title} has recovered`);
      problem = undefined;
    },
    recordFailure(error) {
      if (isSilence(error) || (error instanceof RelistRequired && error.expired)) return;
      const message = describe(error);
      if (message !== problem) log.warn(`cannot watch ${title}: ${message}`);
      problem = message;
    },
    problem() {
      const because = problem === undefined ? '' : `: ${problem}`;
      if (confirmedDate === undefined) {
        return `the first list of ${title} is not complete yet${because}`;
      }
      if (age() * 1000 <= timing.stale) return undefined;
      return `the watch of ${title} has received nothing since ${confirmedDate}${because}`;
    },
  };
}

/** Appends what to check first. */
function describe(error: unknown): string {
  const message = messageOf(error);
  const status = error instanceof ClusterError ? error.status : undefined;
  if (status === 403) return `${message}: check the worker's Role and RoleBinding`;
  return status === 401 ? `${message}: check the worker's token or certificate` : message;
}

/** The watch received nothing for too long, not even a bookmark. */
export function isSilence(error: unknown): boolean {
  return codeOf(error) === 'UND_ERR_BODY_TIMEOUT';
}

import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '@openfero/cluster/cluster';
import type { ConfigMap } from '@openfero/core/kubernetes';
import {
  type Check,
  CLAIM_CHECK,
  CLAIM_TTL,
  checkClaimKey,
  checksKey,
  readCheck,
} from '@openfero/core/redis/checks';
import type { Logger } from '@openfero/service/log';
import type { RedisWatch } from '@openfero/service/redis-watch';
import { script } from '@openfero/service/script';
import type { Redis } from 'ioredis';
import type { WorkerSettings } from '../settings.ts';
import { type CheckResult, dryRunOperarius } from './dry-run.ts';

/** Milliseconds between two searches for new or changed operarii. */
const CHECK_INTERVAL = 1000;

/** Searches between two passes over all operarii: another worker may have died during its check. */
const FULL_PASS = 60;

export interface CheckDependencies {
  readonly cluster: Cluster;
  readonly redis: Redis;
  readonly watch: Pick<RedisWatch, 'note'>;
  readonly settings: WorkerSettings;
  readonly log: Logger;
}

/**
 * Checks every operarius when it is created or changed, once over all workers: its author learns
 * within seconds what is wrong with it, not when the alert fires.
 *
 * @returns what stops it
 */
export function startChecking(deps: CheckDependencies): () => void {
  const stop = new AbortController();
  void keepChecking(deps, stop.signal);
  // Nothing waits for the last pass: while Redis is unreachable it does not end.
  return () => stop.abort();
}

async function keepChecking(deps: CheckDependencies, signal: AbortSignal): Promise<void> {
  const { cluster } = deps;
  let checked: number | undefined;
  for (let pass = 0; !signal.aborted; pass++) {
    try {
      const revision = cluster.operarii.revision();
      const due = revision !== checked || pass % FULL_PASS === 0;
      if (due && cluster.blocked() === undefined) {
        await checkAll(deps, signal);
        checked = revision;
      }
    } catch (error) {
      if (!signal.aborted) reportFailure(error, deps);
    }
    await delay(CHECK_INTERVAL, undefined, { signal }).catch(() => undefined);
  }
}

function reportFailure(error: unknown, { watch, log }: CheckDependencies): void {
  if (watch.note(error)) return;
  log.warn({ err: error }, 'operarii were not checked, will be retried in a second');
}

async function checkAll(deps: CheckDependencies, signal: AbortSignal): Promise<void> {
  const { cluster, redis, settings } = deps;
  const hash = checksKey(settings.prefix);
  const known = await redis.hgetall(hash);
  const operarii = [...cluster.operarii.all()];
  for (const configMap of operarii) {
    if (signal.aborted) return;
    const check = readCheck(known[configMap.metadata.name]);
    if (check?.version !== versionOf(configMap)) await checkOne(configMap, deps);
  }
  const names = new Set(operarii.map(({ metadata }) => metadata.name));
  const gone = Object.keys(known).filter((name) => !names.has(name));
  if (gone.length > 0) await redis.hdel(hash, ...gone);
}

async function checkOne(configMap: ConfigMap, deps: CheckDependencies): Promise<void> {
  const { redis, settings } = deps;
  const { name } = configMap.metadata;
  const version = versionOf(configMap);
  const hash = checksKey(settings.prefix);
  const keys = [hash, checkClaimKey(settings.prefix, version)];
  const claimed = await script(redis, CLAIM_CHECK)(keys, [name, version, CLAIM_TTL]);
  if (claimed !== 1) return;
  const result = await dryRunOperarius(configMap, deps);
  report(configMap, result, deps);
  const { problem } = result;
  const check: Check = { version, ...(problem !== undefined && { problem }) };
  await redis.hset(hash, name, JSON.stringify(check));
}

function report(
  { metadata }: ConfigMap,
  result: CheckResult,
  { cluster, log }: CheckDependencies,
): void {
  const { problem, warnings } = result;
  const { name: operarius } = metadata;
  if (problem !== undefined) {
    log.error({ operarius, problem }, 'operarius is invalid and will not run');
    cluster.events.record(metadata, 'InvalidOperarius', problem);
    return;
  }
  log.info({ operarius, ...(warnings.length > 0 && { warnings }) }, 'operarius is valid');
  const warned = warnings.length > 0 ? ` The API server warns: ${warnings.join('; ')}.` : '';
  cluster.events.record(metadata, 'OperariusValid', `It will run.${warned} ${UNSEEN}`);
}

/** What no dry run can find: stated, so that the check does not seem to cover more than it does. */
const UNSEEN =
  'Not checked: whether its ServiceAccount and Secrets exist, and its size with a large alert.';

/** Changes with every write of the ConfigMap, and when it is deleted and created again. */
function versionOf({ metadata }: ConfigMap): string {
  return `${metadata.uid}/${metadata.resourceVersion}`;
}

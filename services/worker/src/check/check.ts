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
import { script } from '@openfero/service/script';
import type { Redis } from 'ioredis';
import type { WorkerSettings } from '../settings.ts';
import { type Judgement, judge } from './dry-run.ts';

/** Milliseconds between two looks for operarii that are new or have changed. */
const LOOK_INTERVAL = 1000;

/** Looks after which all are gone through although none has changed: another worker's may be undone. */
const FULL_LOOK = 60;

export interface Checking {
  readonly cluster: Cluster;
  readonly redis: Redis;
  readonly settings: WorkerSettings;
  readonly log: Logger;
}

/**
 * Checks every operarius when it is written and whenever it changes, once over all workers: its
 * author learns within seconds what is wrong with it, not when the alert fires.
 *
 * @returns what stops it
 */
export function checkOperarii(checking: Checking): () => void {
  const stop = new AbortController();
  void keepChecking(checking, stop.signal);
  // Nobody waits for the last look: while Redis is away it has no end.
  return () => stop.abort();
}

async function keepChecking(checking: Checking, signal: AbortSignal): Promise<void> {
  const { cluster, log } = checking;
  let done: number | undefined;
  for (let looks = 0; !signal.aborted; looks++) {
    try {
      const revision = cluster.operarii.revision();
      const due = revision !== done || looks % FULL_LOOK === 0;
      if (due && cluster.blocked() === undefined) {
        await look(checking, signal);
        done = revision;
      }
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'operarii not checked: again in a second');
    }
    await delay(LOOK_INTERVAL, undefined, { signal }).catch(() => undefined);
  }
}

async function look(checking: Checking, signal: AbortSignal): Promise<void> {
  const { cluster, redis, settings } = checking;
  const hash = checksKey(settings.prefix);
  const known = await redis.hgetall(hash);
  const operarii = [...cluster.operarii.all()];
  for (const configMap of operarii) {
    if (signal.aborted) return;
    const check = readCheck(known[configMap.metadata.name]);
    if (check?.version !== versionOf(configMap)) await checkOne(configMap, checking);
  }
  const names = new Set(operarii.map(({ metadata }) => metadata.name));
  const gone = Object.keys(known).filter((name) => !names.has(name));
  if (gone.length > 0) await redis.hdel(hash, ...gone);
}

async function checkOne(configMap: ConfigMap, checking: Checking): Promise<void> {
  const { redis, settings } = checking;
  const { name } = configMap.metadata;
  const version = versionOf(configMap);
  const hash = checksKey(settings.prefix);
  const keys = [hash, checkClaimKey(settings.prefix, version)];
  const claimed = await script(redis, CLAIM_CHECK)(keys, [name, version, CLAIM_TTL]);
  if (claimed !== 1) return;
  const judgement = await judge(configMap, checking);
  tell(configMap, judgement, checking);
  const { problem } = judgement;
  const check: Check = { version, ...(problem !== undefined && { problem }) };
  await redis.hset(hash, name, JSON.stringify(check));
}

function tell({ metadata }: ConfigMap, judgement: Judgement, { cluster, log }: Checking): void {
  const { problem, warnings } = judgement;
  const { name: operarius } = metadata;
  if (problem !== undefined) {
    log.error({ operarius, problem }, 'operarius is invalid: it will not run');
    cluster.events.record(metadata, 'InvalidOperarius', problem);
    return;
  }
  log.info({ operarius, ...(warnings.length > 0 && { warnings }) }, 'operarius is valid');
  const warned = warnings.length > 0 ? ` The API server warns: ${warnings.join('; ')}.` : '';
  cluster.events.record(metadata, 'OperariusValid', `It will run.${warned} ${UNSEEN}`);
}

/** What no dry run tells: said, so that nobody takes the check for more than it is. */
const UNSEEN =
  'Not checked: that its ServiceAccount and Secrets exist, and its size with a large alert.';

/** Changes with every write of the ConfigMap, and when it is made anew under the same name. */
function versionOf({ metadata }: ConfigMap): string {
  return `${metadata.uid}/${metadata.resourceVersion}`;
}

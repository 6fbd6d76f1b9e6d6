import { setTimeout as delay } from 'node:timers/promises';
import { type Cluster, ClusterError } from '@openfero/cluster/cluster';
import { DEFAULT_LABEL_SELECTOR } from '@openfero/cluster/settings';
import { messageOf } from '@openfero/core/errors';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { GLOBAL_CONFIGMAP } from '@openfero/core/operarius/global-switch';
import { RECHECK_INTERVAL, recheckClaimKey } from '@openfero/core/redis/checks';
import type { Logger } from '@openfero/service/log';
import type { RedisConnection } from '@openfero/service/redis';
import type { RedisWatch } from '@openfero/service/redis-watch';
import { verdictOn } from '../remediation/verdict.ts';
import type { WorkerSettings } from '../settings.ts';
import { type CheckResult, dryRunOperarius } from './dry-run.ts';
import { createPublisher } from './publish.ts';
import { repeatProblems, reportCheck, warningsOf } from './report.ts';
import {
  type CheckStore,
  checkOnce,
  type Found,
  forgetChecks,
  type Known,
  readChecks,
  storeCheck,
  versionOf,
} from './stored.ts';
import { findUnlabelled, labelProblem } from './unlabelled.ts';

/** Milliseconds between two searches for new or changed operarii. */
const CHECK_INTERVAL = 1000;

/**
 * Searches between two passes over all operarii: another worker may have died during its check,
 * ConfigMaps without the label are in no watch, and a namespace may enforce something else.
 */
const FULL_PASS = 15;

export interface CheckDependencies {
  readonly cluster: Cluster;
  readonly redis: RedisConnection;
  readonly watch: Pick<RedisWatch, 'note'>;
  /** Of the registry: what is found here holds from the next remediation on. */
  readonly neverStarting: Map<string, string>;
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
  let checked: number | undefined;
  const publish = createPublisher(deps);
  for (let pass = 0; !signal.aborted; pass++) {
    try {
      checked = await checkWhatIsDue(
        { ...deps, publish },
        { checked, full: pass % FULL_PASS === 0 },
        signal,
      );
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

interface Pass {
  /** The revision of the operarii that were checked last; undefined until then. */
  readonly checked: number | undefined;
  readonly full: boolean;
}

/** @returns the revision up to which all are checked */
async function checkWhatIsDue(
  deps: CheckDependencies & { readonly publish: (checks: Known) => Promise<void> },
  { checked, full }: Pass,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { cluster, log } = deps;
  const revision = cluster.operarii.revision();
  const due = full || revision !== checked;
  if (!due || cluster.blocked() !== undefined) return checked;
  const store = { redis: deps.redis, prefix: deps.settings.prefix };
  const known = await readChecks(store);
  if (checked === undefined) repeatProblems(problemsOf(known, deps), log);
  await checkAll(known, store, deps, signal);
  await readNeverStarting(store, deps);
  if (full || checked === undefined) await checkUnlabelled(store, deps, signal);
  await deps.publish(await readChecks(store)).catch((error) => {
    // Nothing but a page depends on it, and it is repeated.
    log.debug({ problem: messageOf(error) }, 'operarii were not published');
  });
  return revision;
}

async function checkAll(
  known: Known,
  store: CheckStore,
  deps: CheckDependencies,
  signal: AbortSignal,
): Promise<void> {
  // The switch may have the label of an operarius.
  const operarii = [...deps.cluster.operarii.all()].filter(
    ({ metadata }) => metadata.name !== GLOBAL_CONFIGMAP,
  );
  for (const configMap of operarii) {
    if (signal.aborted) return;
    const check = known.get(configMap.metadata.name);
    if (check?.version !== versionOf(configMap.metadata)) await checkNew(configMap, store, deps);
    else if (check.neverStarts === true) await checkAgain(configMap, store, deps);
  }
  const names = new Set(operarii.map(({ metadata }) => metadata.name));
  const gone = [...known].filter(([name, { unlabelled }]) => !unlabelled && !names.has(name));
  await forgetChecks(
    store,
    gone.map(([name]) => name),
  );
}

async function checkNew(
  configMap: ConfigMap,
  store: CheckStore,
  deps: CheckDependencies,
): Promise<void> {
  try {
    await checkOnce(configMap.metadata, store, async () => {
      const result = await dryRunOperarius(configMap, deps);
      if (result.problem !== undefined && result.neverStarts === true) {
        deps.neverStarting.set(versionOf(configMap.metadata), result.problem);
      }
      reportCheck(configMap, result, deps);
      return foundBy(result);
    });
  } catch (error) {
    // Without an answer the others would get none either.
    if (!(error instanceof ClusterError) || error.status === undefined) throw error;
    const verdict = verdictOn(error);
    deps.log.warn(
      {
        operarius: configMap.metadata.name,
        problem: 'message' in verdict ? verdict.message : error.message,
      },
      'operarius was not checked, will be retried in a minute',
    );
  }
}

/** Whether nothing would start its Jobs may change without the definition. */
async function checkAgain(
  configMap: ConfigMap,
  store: CheckStore,
  deps: CheckDependencies,
): Promise<void> {
  const { redis, prefix } = store;
  const key = recheckClaimKey(prefix, versionOf(configMap.metadata));
  if ((await redis.set(key, '1', 'PX', RECHECK_INTERVAL, 'NX')) === null) return;
  const result = await dryRunOperarius(configMap, deps);
  if (result.problem !== undefined) return;
  deps.neverStarting.delete(versionOf(configMap.metadata));
  reportCheck(configMap, result, deps);
  await storeCheck(configMap.metadata, store, foundBy(result));
}

function foundBy(result: CheckResult): Found {
  return result.problem === undefined ? { warnings: warningsOf(result.findings) } : result;
}

/** Says of each ConfigMap that looks like an operarius and has not the label that it never runs. */
async function checkUnlabelled(
  store: CheckStore,
  deps: CheckDependencies,
  signal: AbortSignal,
): Promise<void> {
  const { cluster, settings, log } = deps;
  const found = await findUnlabelled(cluster.operarii, log, signal);
  if (found === undefined) return;
  const known = await readChecks(store);
  // With a selector of its own, it may be the operarius of another OpenFero: no reason to alert.
  const counts = settings.labelSelector === DEFAULT_LABEL_SELECTOR;
  for (const metadata of found) {
    if (known.get(metadata.name)?.version === versionOf(metadata)) continue;
    const problem = labelProblem(metadata, settings.labelSelector);
    await checkOnce(metadata, store, async () => {
      reportCheck({ metadata }, { problem }, deps);
      return { problem: counts ? problem : undefined, unlabelled: true };
    });
  }
  const names = new Set(found.map(({ name }) => name));
  const gone = [...known].filter(([name, { unlabelled }]) => unlabelled && !names.has(name));
  await forgetChecks(
    store,
    gone.map(([name]) => name),
  );
}

/** What an earlier check found, of the ConfigMaps that are the same since. */
function problemsOf(known: Known, { cluster }: CheckDependencies): [string, string][] {
  return [...known].flatMap(([name, { version, problem, unlabelled }]) => {
    const metadata = cluster.operarii.get(name)?.metadata;
    const same = unlabelled === true || (metadata !== undefined && versionOf(metadata) === version);
    const repeated: [string, string][] = problem !== undefined && same ? [[name, problem]] : [];
    return repeated;
  });
}

/** Takes over what other workers have found. */
async function readNeverStarting(
  store: CheckStore,
  { neverStarting }: CheckDependencies,
): Promise<void> {
  const checks = [...(await readChecks(store)).values()];
  neverStarting.clear();
  for (const { version, problem, neverStarts } of checks) {
    if (neverStarts === true && problem !== undefined) neverStarting.set(version, problem);
  }
}

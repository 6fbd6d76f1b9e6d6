import type { Cluster } from '@openfero/cluster/cluster';
import { encodeEntry } from '@openfero/core/history/encode';
import type { DefinitionEntry } from '@openfero/core/history/entry';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { definitionDigest } from '@openfero/core/operarius/definition';
import { readGlobalSwitch } from '@openfero/core/operarius/global-switch';
import { MODES, strictest } from '@openfero/core/operarius/policy';
import { policyTexts } from '@openfero/core/operarius/policy-texts';
import type { Check } from '@openfero/core/redis/checks';
import { readTime } from '@openfero/core/redis/memory';
import {
  PUBLISH,
  publishArguments,
  readPublishAnswer,
} from '@openfero/core/redis/publish-operarii';
import {
  OPERARII_CLAIM_TTL,
  operariiClaimKey,
  operariiKey,
  type PublishedOperarius,
} from '@openfero/core/redis/published';
import type { Logger } from '@openfero/service/log';
import type { RedisConnection } from '@openfero/service/redis';
import { script } from '@openfero/service/script';
import type { WorkerSettings } from '../settings.ts';
import { WORKER_NAME } from '../worker-name.ts';
import { policyOf } from './policy-of.ts';
import { type Known, versionOf } from './stored.ts';

interface PublisherDependencies {
  readonly cluster: Pick<Cluster, 'operarii'>;
  readonly redis: RedisConnection;
  readonly settings: Pick<
    WorkerSettings,
    'prefix' | 'policy' | 'configMapNamespace' | 'jobNamespace' | 'historyCount'
  >;
  readonly log: Logger;
}

/** What of an operarius changes only with its ConfigMap, its check or the switch. */
type Described = Omit<PublishedOperarius, 'at' | 'publisher'>;

/** Operarii in one command: Redis serves others in between. */
const CHUNK = 100;

/** Undefined where it is gone. */
type Change = readonly [name: string, described: Described | undefined];

/**
 * Creates what publishes the operarii for the pages of the dashboard (redis/published.ts): every worker
 * writes what changed since its last call, and one of them all, once a minute. What is another than published
 * before is in the history and in the log, once over all workers.
 *
 * @returns to be called with what the checks found, when anything may have changed and each 15 s
 */
export function createPublisher({
  cluster,
  redis,
  settings,
  log,
}: PublisherDependencies): (checks: Known) => Promise<void> {
  const hash = operariiKey(settings.prefix);
  const claim = operariiClaimKey(settings.prefix);
  /** What this worker saw last, as JSON. */
  let seen: ReadonlyMap<string, string> = new Map();

  const publishScript = script(redis, PUBLISH);

  const write = async (changes: readonly Change[]): Promise<void> => {
    if (changes.length === 0) return;
    const at = readTime(await redis.time());
    for (let start = 0; start < changes.length; start += CHUNK) {
      const told = changes.slice(start, start + CHUNK).map(([name, described]) => {
        const operarius = described && { ...described, publisher: WORKER_NAME, at };
        return { name, operarius, change: changeOf(name, described, at) };
      });
      const toPublish = told.map((one) => ({ ...one, entry: encodeEntry(one.change) }));
      const { keys, args } = publishArguments(settings.prefix, toPublish, settings.historyCount);
      const changed = readPublishAnswer(await publishScript(keys, args));
      for (const { name, change } of told) logChange(change, changed.get(name), log);
    }
  };
  const remove = (names: readonly string[]): Promise<void> =>
    write(names.map((name) => [name, undefined]));
  return async (checks) => {
    const exist = namesOf(cluster, checks);
    const described = describe(cluster, checks, settings);
    const texts = new Map(described.map(([name, each]) => [name, JSON.stringify(each)]));
    if ((await redis.set(claim, WORKER_NAME, 'PX', OPERARII_CLAIM_TTL, 'NX')) !== null) {
      await write(described);
      const published = Object.keys(await redis.hgetall(hash));
      await remove(published.filter((name) => !exist.has(name)));
    } else {
      await write(described.filter(([name]) => texts.get(name) !== seen.get(name)));
      await remove([...seen.keys()].filter((name) => !exist.has(name)));
    }
    seen = texts;
  };
}

/** All that may be in the hash: an operarius whose version is not checked yet keeps what was said before. */
function namesOf({ operarii }: PublisherDependencies['cluster'], checks: Known): Set<string> {
  const unlabelled = [...checks].filter(([, check]) => check.unlabelled === true);
  const selected = Array.from(operarii.all(), ({ metadata }) => metadata.name);
  return new Set([...selected, ...unlabelled.map(([name]) => name)]);
}

/** The mode without the switch for all: that has an entry of its own. */
function changeOf(name: string, described: Described | undefined, at: number): DefinitionEntry {
  const { definition, problem, policy } = described ?? {};
  const mode = MODES.find((each) => each === policy?.['mode']);
  return {
    ...{ kind: 'definition', operarius: name },
    ...(definition !== undefined && { definition }),
    ...(mode !== undefined && { mode }),
    ...(problem !== undefined && { problem }),
    at,
  };
}

/** @param before the digest, '' where none was known; undefined where nothing has changed */
function logChange(
  { kind: _kind, at: _at, ...change }: DefinitionEntry,
  before: string | undefined,
  log: Logger,
): void {
  if (before === undefined) return;
  const line = { ...change, ...(before !== '' && { before }) };
  log.info(line, wordsOf(change.definition !== undefined, before !== ''));
}

function wordsOf(isOne: boolean, wasOne: boolean): string {
  if (!isOne) return wasOne ? 'operarius was removed' : 'ConfigMap is not an operarius';
  return wasOne ? 'operarius has changed' : 'operarius is new';
}

function describe(
  { operarii }: PublisherDependencies['cluster'],
  checks: Known,
  {
    policy: defaults,
    configMapNamespace: namespace,
    jobNamespace,
  }: PublisherDependencies['settings'],
): (readonly [name: string, Described])[] {
  const switched = readGlobalSwitch(operarii.globalSwitch()).mode;
  return [...checks].flatMap(([name, check]) => {
    const configMap = operarii.get(name);
    if (!isOf(check, configMap)) return [];
    const policy = configMap && policyOf(configMap, defaults);
    const described: Described = {
      v: 1,
      ...(check.problem !== undefined && { problem: check.problem }),
      warnings: [...(check.warnings ?? [])],
      policy: policy === undefined ? {} : policyTexts(policy),
      mode: strictest(switched, (policy ?? defaults).mode),
      resourceVersion: check.version.slice(check.version.indexOf('/') + 1),
      ...(configMap !== undefined && { definition: definitionDigest(configMap) }),
      ...{ namespace, jobNamespace },
    };
    return [[name, described] as const];
  });
}

/** Whether the check is about this ConfigMap as it is now; one without the label is in no watch. */
function isOf(check: Check, configMap: ConfigMap | undefined): boolean {
  if (configMap !== undefined) return check.version === versionOf(configMap.metadata);
  // With a selector of its own, it may be the operarius of another OpenFero.
  return check.unlabelled === true && check.problem !== undefined;
}

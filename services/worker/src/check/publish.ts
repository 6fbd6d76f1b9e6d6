import type { Cluster } from '@openfero/cluster/cluster';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { readGlobalSwitch } from '@openfero/core/operarius/global-switch';
import { strictest } from '@openfero/core/operarius/policy';
import { policyTexts } from '@openfero/core/operarius/policy-texts';
import type { Check } from '@openfero/core/redis/checks';
import { readTime } from '@openfero/core/redis/memory';
import {
  encodeOperarius,
  OPERARII_CLAIM_TTL,
  operariiClaimKey,
  operariiKey,
  type PublishedOperarius,
} from '@openfero/core/redis/published';
import type { RedisConnection } from '@openfero/service/redis';
import type { WorkerSettings } from '../settings.ts';
import { WORKER_NAME } from '../worker-name.ts';
import { policyOf } from './policy-of.ts';
import { type Known, versionOf } from './stored.ts';

interface PublisherDependencies {
  readonly cluster: Pick<Cluster, 'operarii'>;
  readonly redis: RedisConnection;
  readonly settings: Pick<
    WorkerSettings,
    'prefix' | 'policy' | 'configMapNamespace' | 'jobNamespace'
  >;
}

/** What of an operarius changes only with its ConfigMap, its check or the switch. */
type Described = Omit<PublishedOperarius, 'at' | 'publisher'>;

/** Operarii in one command: Redis serves others in between. */
const CHUNK = 100;

/**
 * Creates what publishes the operarii for the pages of the dashboard (redis/published.ts): every worker
 * writes what changed since its last call, and one of them all, once a minute.
 *
 * @returns to be called with what the checks found, when anything may have changed and each 15 s
 */
export function createPublisher({
  cluster,
  redis,
  settings,
}: PublisherDependencies): (checks: Known) => Promise<void> {
  const hash = operariiKey(settings.prefix);
  const claim = operariiClaimKey(settings.prefix);
  /** What this worker saw last, as JSON. */
  let seen: ReadonlyMap<string, string> = new Map();

  const write = async (operarii: readonly (readonly [string, Described])[]): Promise<void> => {
    if (operarii.length === 0) return;
    const at = readTime(await redis.time());
    for (let start = 0; start < operarii.length; start += CHUNK) {
      const fields = operarii.slice(start, start + CHUNK).flatMap(([name, described]) => {
        return [name, encodeOperarius({ ...described, publisher: WORKER_NAME, at })];
      });
      await redis.hset(hash, ...fields);
    }
  };
  const remove = async (names: readonly string[]): Promise<void> => {
    if (names.length > 0) await redis.hdel(hash, ...names);
  };
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

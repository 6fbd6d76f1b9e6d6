import { cut } from '@openfero/core/cut';
import type { ConfigMap } from '@openfero/core/kubernetes';
import {
  type Check,
  CLAIM_CHECK,
  CLAIM_TTL,
  checkClaimKey,
  checksKey,
  readCheck,
} from '@openfero/core/redis/checks';
import type { RedisConnection } from '@openfero/service/redis';
import { script } from '@openfero/service/script';

/** Where the results of checks are, for all workers. */
export interface CheckStore {
  readonly redis: RedisConnection;
  readonly prefix: string;
}

/** By the ConfigMap's name. */
export type Known = ReadonlyMap<string, Check>;

export type Found = { readonly [field in keyof Omit<Check, 'version'>]: Check[field] | undefined };

/** Characters of one warning: an API server may answer any text. */
const WARNING_LENGTH = 256;

export async function readChecks({ redis, prefix }: CheckStore): Promise<Known> {
  const fields = Object.entries(await redis.hgetall(checksKey(prefix)));
  return new Map(fields.map(([name, text]) => [name, readCheck(text) ?? { version: '' }]));
}

/** Checks one version, unless a worker has done it or does it now, and stores what was found. */
export async function checkOnce(
  metadata: ConfigMap['metadata'],
  store: CheckStore,
  check: () => Promise<Found>,
): Promise<void> {
  const { redis, prefix } = store;
  const version = versionOf(metadata);
  const keys = [checksKey(prefix), checkClaimKey(prefix, version)];
  const claimed = await script(redis, CLAIM_CHECK)(keys, [metadata.name, version, CLAIM_TTL]);
  if (claimed === 1) await storeCheck(metadata, store, await check());
}

export async function storeCheck(
  metadata: ConfigMap['metadata'],
  { redis, prefix }: CheckStore,
  { problem, warnings = [], neverStarts, unlabelled }: Found,
): Promise<void> {
  const check: Check = {
    version: versionOf(metadata),
    ...(problem !== undefined && { problem }),
    ...(warnings.length > 0 && { warnings: warnings.map((text) => cut(text, WARNING_LENGTH)) }),
    ...(neverStarts === true && { neverStarts }),
    ...(unlabelled === true && { unlabelled }),
  };
  await redis.hset(checksKey(prefix), metadata.name, JSON.stringify(check));
}

/** Drops what was found of ConfigMaps that are gone. */
export async function forgetChecks(
  { redis, prefix }: CheckStore,
  names: readonly string[],
): Promise<void> {
  if (names.length > 0) await redis.hdel(checksKey(prefix), ...names);
}

/** Changes with every write of the ConfigMap, and when it is deleted and created again. */
export function versionOf({ uid, resourceVersion }: ConfigMap['metadata']): string {
  return `${uid}/${resourceVersion}`;
}

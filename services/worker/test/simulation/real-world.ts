import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  type Cluster,
  ClusterError,
  type ExistingJob,
  type JobOfOperarius,
} from '@openfero/cluster/cluster';
import { createOperariusRegistry } from '@openfero/core/decisions/registry';
import { targetOf } from '@openfero/core/identity/target';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { ANNOTATIONS, LABELS } from '@openfero/core/labels';
import { readNotification } from '@openfero/core/notification';
import { HELD_REASONS } from '@openfero/core/outcome';
import { RejectedAlert, readAlert } from '@openfero/core/read-alert';
import {
  occurrenceOf,
  QUEUE,
  type Remediation,
  readRemediation,
} from '@openfero/core/redis/remediation';
import { RECEIVE, readReceipt, receiveArguments } from '@openfero/core/redis/states';
import { script } from '@openfero/service/script';
import { NO_TRACING } from '@openfero/service/tracing';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { createEpisodeMemory } from '../../src/redis/memory.ts';
import { createPlaces } from '../../src/redis/places.ts';
import type { AttemptResult, Dependencies } from '../../src/remediation/attempt.ts';
import { remediate } from '../../src/remediation/remediate.ts';
import { verdictOn } from '../../src/remediation/verdict.ts';
import type { WorkerSettings } from '../../src/settings.ts';
import { IDLE_CLUSTER, IDLE_JOBS } from '../idle-cluster.ts';
import { START } from './script.ts';

/** Redis with the clock of the test: its scripts read it in place of the real one. */
function withClock(redis: Redis, now: () => number): Redis {
  const time = (): string => {
    const ms = now();
    return `{'${Math.floor(ms / 1000)}', '${(ms % 1000) * 1000}'}`;
  };
  const call = (command: string, args: readonly (string | number)[]): Promise<unknown> => {
    // As Redis answers after a restart: then the script is sent in full.
    if (command === 'EVALSHA') return redis.call('EVALSHA', ['0'.repeat(40), 0]);
    const [lua, ...rest] = args;
    return redis.call(command, [String(lua).replaceAll("redis.call('TIME')", time()), ...rest]);
  };
  return new Proxy(redis, {
    get(target, name) {
      if (name === 'call') return call;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

interface RealJob extends ExistingJob, JobOfOperarius {
  finished: boolean;
}

/** The part of a cluster that attempts use, with Jobs that the test ends. */
function clusterOf(configMaps: readonly ConfigMap[], now: () => number) {
  const jobs = new Map<string, RealJob>();
  const byName = new Map(configMaps.map((one) => [one.metadata.name, one]));
  const cluster: Cluster = {
    operarii: {
      get: (name) => byName.get(name),
      globalSwitch: () => undefined,
      all: () => byName.values(),
      unlabelled: async () => [],
      revision: () => 0,
    },
    jobs: {
      async create({ metadata }, { dryRun }) {
        const { name, annotations, labels } = metadata;
        if (jobs.has(name)) {
          throw new ClusterError('exists', { status: 409, reason: 'AlreadyExists' });
        }
        if (dryRun) return [];
        const target = labels[LABELS.target];
        jobs.set(name, {
          ...(target !== undefined && { target }),
          ...{ name, finished: false, createdAt: now(), createdBefore: now() },
          operarius: labels[LABELS.operarius] ?? '',
          remediation: annotations[ANNOTATIONS.remediation],
          dedupKey: annotations[ANNOTATIONS.dedupKey],
        });
        return [];
      },
      get: async (name) => jobs.get(name),
      isOurs: (name) => jobs.has(name),
      enforcedPodSecurity: async () => undefined,
      ...IDLE_JOBS,
    },
    ...IDLE_CLUSTER,
  };
  return { cluster, jobs };
}

/** What became of an alert, in the words that both sides share. */
export interface Said {
  readonly id: string;
  readonly outcome: string;
  readonly operarius: string;
  readonly job: string;
}

/** The same calls as a simulation has, answered by the worker's own steps over real Redis. */
export function realWorld(
  redis: Redis,
  configMaps: readonly ConfigMap[],
  settings: WorkerSettings,
) {
  let now = START;
  let received = 0;
  const prefix = `{${randomUUID()}}`;
  const clocked = withClock(redis, () => now);
  const { cluster, jobs } = clusterOf(configMaps, () => now);
  const held = new Map<
    string,
    { until: number; reason: string; operarius: string; target?: string }
  >();
  const called: string[] = [];
  const queue = {
    getJob: async (id: string) =>
      held.has(id) ? { promote: async () => void called.push(id) } : undefined,
  } as unknown as Queue;
  const { maxActiveJobs, maxRuns } = settings;
  const deps: Dependencies = {
    ...{ settings, cluster },
    registry: createOperariusRegistry(cluster, settings.policy),
    memory: createEpisodeMemory(clocked, prefix),
    places: createPlaces({
      redis: clocked,
      prefix,
      queue,
      maxActiveJobs,
      maxRuns,
      historyCount: 1000,
    }),
    tracing: NO_TRACING,
  };
  const known = deps.places.reconcile(Number.MAX_SAFE_INTEGER, []);
  const keyOf = (id: string): string => `${prefix}:${QUEUE}:${id}`;
  const freed = ({ group, alert }: Remediation): string =>
    `${prefix}:${QUEUE}:de:${occurrenceOf(group.key, alert)}`;

  const once = async (id: string): Promise<Said> => {
    const remediation = readRemediation(JSON.parse((await redis.hget(keyOf(id), 'data')) ?? ''));
    const before = held.get(id);
    held.delete(id);
    const reason = HELD_REASONS.find((each) => each === before?.reason);
    if (reason !== undefined) {
      const { operarius = '', target } = before ?? {};
      await deps.places.unhold({ reason, remediation: id, operarius, target });
    }
    await redis.set(`${keyOf(id)}:lock`, 'token');
    const result = await attempt(remediation);
    if (result.kind === 'end') {
      await redis.del(keyOf(id), freed(remediation));
      const { outcome, operarius, job } = result;
      return { id, outcome, operarius, job };
    }
    const { operarius } = deps.registry.find(remediation.alert);
    const name = operarius?.name ?? '';
    const { reason: why, until } = result;
    const target = operarius && targetOf(remediation.alert, operarius.policy)?.digest;
    const waits = { reason: why, ...(why === 'target' && target !== undefined && { target }) };
    const stored = { ...result.remediation, held: { ...waits, since: now } };
    await redis.hset(keyOf(id), 'data', JSON.stringify(stored));
    held.set(id, { until, operarius: name, ...waits });
    await deps.places.hold({ ...waits, remediation: id, operarius: name }, { since: now, until });
    return { id, outcome: `held: ${why}`, operarius: name, job: '' };
  };
  type Ended = { kind: 'end'; outcome: string; operarius: string; job: string };
  const attempt = async (
    remediation: Remediation,
  ): Promise<Ended | Extract<AttemptResult, { kind: 'hold' }>> => {
    try {
      const delivery = {
        remediation,
        entry: { key: keyOf(remediation.id), token: 'token' },
        again: false,
        lastError: undefined,
        confirmLock: async () => {},
        save: async (changed: Remediation) =>
          void (await redis.hset(keyOf(remediation.id), 'data', JSON.stringify(changed))),
        freeOccurrence: async () => void (await redis.del(freed(remediation))),
      };
      const result = await remediate(delivery, deps);
      if (result.kind === 'hold') return result;
      const { outcome, operarius, job = '' } = result.result;
      return { kind: 'end', outcome, operarius, job };
    } catch (error) {
      const verdict = verdictOn(error);
      if (verdict.kind !== 'terminal') throw error;
      const operarius = deps.registry.nameFor(remediation.alert);
      return { kind: 'end', outcome: verdict.failure, operarius, job: '' };
    }
  };
  /** One, and those that it calls. */
  const withCalled = async (id: string): Promise<Said[]> => {
    const said = [await once(id)];
    for (let next = called.shift(); next !== undefined; next = called.shift()) {
      if (held.has(next)) said.push(await once(next));
    }
    return said;
  };
  const ended = (said: readonly Said[]): Said[] =>
    said.filter(({ outcome }) => !outcome.startsWith('held'));

  return {
    async notify(body: unknown): Promise<Said[]> {
      assert.ok(await known);
      const notification = readNotification(body, () => {});
      const reading = { groupStatus: notification.status, receivedAt: now, warn: () => {} };
      const alerts = notification.alerts.flatMap((one) => {
        const alert = readAlert(one, reading);
        return alert instanceof RejectedAlert ? [] : [alert];
      });
      const key = notification.groupKey;
      const occurrences = alerts.map((alert) => ({ id: occurrenceOf(key, alert), alert }));
      const { keys, args } = receiveArguments(prefix, 1000, occurrences);
      const receipt = readReceipt(await script(clocked, RECEIVE)(keys, args));
      assert.ok('receivedAt' in receipt);
      assert.equal(receipt.receivedAt, now);
      const said: Said[] = [];
      // The queue has all of them before the first is taken.
      const queued = new Set<string>();
      for (const [i, { id: occurrence, alert }] of occurrences.entries()) {
        if (receipt.absorbed.has(i) || queued.has(occurrence)) {
          said.push({ id: '', outcome: 'absorbed', operarius: '', job: '' });
          continue;
        }
        queued.add(occurrence);
        const id = `r-${String(++received).padStart(6, '0')}`;
        const group = { key, status: notification.status ?? '', externalURL: '' };
        const remediation: Remediation = { v: 1, id, receivedAt: now, group, alert };
        await redis.hset(keyOf(id), 'data', JSON.stringify(remediation));
        await redis.set(`${prefix}:${QUEUE}:de:${occurrence}`, id);
        const [own] = await withCalled(id);
        if (own !== undefined) said.push(own);
      }
      return said;
    },
    async advance(ms: number): Promise<Said[]> {
      const end = now + ms;
      const said: Said[] = [];
      for (;;) {
        const [next] = [...held].sort(([, a], [, b]) => a.until - b.until);
        if (next === undefined || next[1].until > end) break;
        now = Math.max(now, next[1].until);
        said.push(...ended(await withCalled(next[0])));
      }
      now = end;
      return said;
    },
    async finish(): Promise<Said[]> {
      const said: Said[] = [];
      for (const job of [...jobs.values()].filter(({ finished }) => !finished)) {
        job.finished = true;
        await deps.places.release(job);
        for (let next = called.shift(); next !== undefined; next = called.shift()) {
          if (held.has(next)) said.push(...ended(await withCalled(next)));
        }
      }
      return said;
    },
  };
}

import { type Cluster, ClusterError, type ExistingJob } from '@openfero/cluster/cluster';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { ANNOTATIONS, LABELS } from '@openfero/core/labels';
import type { Claim, Memory } from '@openfero/core/redis/memory';
import type { State } from '@openfero/core/redis/states';
import type { Random } from '@openfero/testkit/random';
import { IDLE_CLUSTER, IDLE_JOBS } from '../idle-cluster.ts';

/** A Job of the modelled cluster. */
export interface ModelJob extends ExistingJob {
  finished: boolean;
  finishedAt: number;
  readonly target: string | undefined;
  /** When its place was taken; undefined where nobody has one for it. */
  readonly takenAt: number | undefined;
}

/** What was taken for a Job. */
interface ModelPlace {
  readonly at: number;
  readonly remediation: string;
}

interface ModelClaim extends Claim {
  readonly remediation: string;
  readonly at: number;
}

/** Everything that outlives a worker: the clock, the cluster, and what Redis holds. */
export interface World {
  now: number;
  readonly jobs: Map<string, ModelJob>;
  /** All that were ever created, in order. */
  readonly created: ModelJob[];
  /** Names that two troubles met in. */
  readonly collided: Set<string>;
  /** The dedup-key that each full name was meant to stand for. */
  readonly meant: Map<string, string | undefined>;
  readonly memory: Map<string, Memory>;
  /** The Jobs that are or were in it. */
  readonly remembered: Set<string>;
  readonly claims: Map<string, ModelClaim>;
  readonly states: Map<string, State>;
  /** The Job that works on a target, by its digest. */
  readonly targets: Map<string, string>;
  /** By Job: those that are about to be created, or that have been. */
  readonly places: Map<string, ModelPlace>;
}

export const createWorld = (): World => ({
  now: 1_700_000_000_000,
  jobs: new Map(),
  created: [],
  collided: new Set(),
  meant: new Map(),
  memory: new Map(),
  remembered: new Set(),
  claims: new Map(),
  states: new Map(),
  targets: new Map(),
  places: new Map(),
});

/** What is left out, to see that it is needed. */
export type Without =
  | 'lock check'
  | 'memory'
  | 'order of the memory'
  | 'comparison of keys'
  | 'own Job'
  | 'claim'
  | 'cover'
  | 'target'
  | 'window'
  | 'count of what Redis refused';

/** How often a connection breaks before, and after, the server has done what was asked. */
const CUT = 0.03;

const noAnswer = (): ClusterError =>
  new ClusterError('the connection broke', { reason: 'ECONNRESET' });

/** Called before every effect: where a worker may be paused, overtaken or killed. */
export type Turn = () => Promise<void>;

/** How often Redis refuses a command, and how often its answer is lost: its client then sends it again. */
const REFUSED = 0.01;
const RESENT = 0.03;

const refusal = (): Error =>
  Object.assign(new Error('READONLY it was replaced'), { name: 'ReplyError' });

/** Sends a command to Redis, which does it at one instant. */
export type Send = <T>(command: () => T) => Promise<T>;

export function senderOf(turn: Turn, random: Random): Send {
  return async (command) => {
    await turn();
    if (random.chance(REFUSED)) throw refusal();
    const answer = command();
    if (!random.chance(RESENT)) return answer;
    await turn();
    return command();
  };
}

/**
 * The cluster as one worker sees it. Of a name's ten hex digits only two count, so that different
 * troubles collide all the time.
 */
export function clusterOf(
  world: World,
  configMap: ConfigMap,
  { turn, without, random }: { turn: Turn; without?: Without | undefined; random: Random },
): Cluster {
  const short = (name: string): string => name.slice(0, -8);
  return {
    operarii: {
      get: (name) => (name === configMap.metadata.name ? configMap : undefined),
      globalSwitch: () => undefined,
      all: () => [configMap],
      unlabelled: async () => [],
      revision: () => 1,
    },
    jobs: {
      enforcedPodSecurity: async () => undefined,
      // At once: between the check of the lock and the create lie microseconds, and 5 s are left of it.
      async create(job) {
        if (random.chance(CUT)) throw noAnswer();
        const { name, annotations, labels } = job.metadata;
        world.meant.set(name, annotations[ANNOTATIONS.dedupKey]);
        const holder = world.jobs.get(short(name));
        if (holder !== undefined) {
          if (holder.name !== name) world.collided.add(short(name));
          throw new ClusterError(`${name} exists`, { status: 409, reason: 'AlreadyExists' });
        }
        const made: ModelJob = {
          name,
          finished: false,
          finishedAt: Number.POSITIVE_INFINITY,
          createdAt: world.now,
          createdBefore: world.now,
          remediation: annotations[ANNOTATIONS.remediation],
          dedupKey: annotations[ANNOTATIONS.dedupKey],
          target: labels[LABELS.target],
          takenAt: world.places.get(name)?.at,
        };
        world.jobs.set(short(name), made);
        world.created.push(made);
        // The answer may be lost, with the worker or without it; the Job is there.
        await turn();
        if (random.chance(CUT)) throw noAnswer();
        return [];
      },
      async get(name) {
        await turn();
        const job = world.jobs.get(short(name));
        if (job === undefined) return undefined;
        return without === 'comparison of keys'
          ? { ...job, dedupKey: world.meant.get(name) }
          : { ...job };
      },
      isOurs: () => false,
      ...IDLE_JOBS,
    },
    ...IDLE_CLUSTER,
  };
}

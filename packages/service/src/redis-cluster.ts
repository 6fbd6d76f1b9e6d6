import { Cluster, type ClusterOptions, Command } from 'ioredis';
import { type ConnectOptions, type RedisOptions, reconnectDelay } from './redis-options.ts';
import type { RedisTopology } from './redis-settings.ts';

/** Without the mapping of replies, see RedisOptions. */
type Options = Omit<ClusterOptions, 'redisOptions'> & {
  readonly redisOptions?: RedisOptions;
};

type Topology = Extract<RedisTopology, { kind: 'cluster' }>;

/** Milliseconds between two attempts of a command that its node refused, or lost. */
const RETRY_MS = 100;

/**
 * How often a producer tries a command again: for 1.6 s, which is as long as it waits for an answer. A
 * consumer waits for the cluster.
 */
const PRODUCER_RETRIES = 16;

/**
 * Milliseconds between two questions who owns the slot. A node that hangs answers no MOVED: a blocking
 * command would wait for it until its connection counts as dead, after 15 s.
 */
const SLOTS_INTERVAL_MS = 1000;

/** Milliseconds for one node to answer that. */
const SLOTS_TIMEOUT_MS = 2000;

/** Connects to the nodes of a cluster. */
export function connectCluster(
  { nodes, hashTag }: Topology,
  kind: ConnectOptions['kind'],
  { retryStrategy: _, enableOfflineQueue: _queue, ...redisOptions }: RedisOptions,
): Cluster {
  return new OneSlotCluster([...nodes], hashTag, {
    redisOptions,
    enableOfflineQueue: kind === 'consumer',
    maxRedirections: kind === 'consumer' ? Number.POSITIVE_INFINITY : PRODUCER_RETRIES,
    retryDelayOnMoved: RETRY_MS,
    retryDelayOnFailover: RETRY_MS,
    retryDelayOnClusterDown: RETRY_MS,
    retryDelayOnTryAgain: RETRY_MS,
    slotsRefreshInterval: SLOTS_INTERVAL_MS,
    slotsRefreshTimeout: SLOTS_TIMEOUT_MS,
    clusterRetryStrategy: reconnectDelay,
    // Resolved when a connection is made: a certificate names the host, not its address.
    dnsLookup: (host, done) => done(null, host),
  });
}

/**
 * All keys are in one slot. Commands without a key, such as TIME, INFO and WAIT, go to its owner too:
 * ioredis would send each to a node of its choice, with another clock and another memory.
 */
class OneSlotCluster extends Cluster {
  readonly #nodes: Topology['nodes'];
  readonly #hashTag: string;
  readonly #options: Options;
  readonly #slot: number;

  constructor(nodes: Topology['nodes'], hashTag: string, options: Options) {
    super([...nodes], options);
    this.#nodes = nodes;
    this.#hashTag = hashTag;
    this.#options = options;
    this.#slot = new Command('get', [hashTag]).getSlot();
  }

  override sendCommand(...[command, stream, node]: Parameters<Cluster['sendCommand']>): unknown {
    if (command.getSlot() === null) Object.assign(command, { slot: this.#slot });
    return super.sendCommand(command, stream, node);
  }

  /** BullMQ's blocking connection. */
  override duplicate(_nodes?: unknown, override?: Options): Cluster {
    return new OneSlotCluster(this.#nodes, this.#hashTag, { ...this.#options, ...override });
  }
}

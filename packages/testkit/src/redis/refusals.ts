import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { until } from '../until.ts';
import { SLOTS, startNode, stateIs } from './node.ts';
import { startRedis, type TestRedis } from './redis.ts';

/** A way in which a Redis that is up refuses commands. */
export interface Refusal {
  readonly name: string;
  /** What /readyz and the log say: the server's words, then what to check. */
  readonly says: RegExp;
  /** The nodes of a cluster: the first one is in REDIS_URL and has every slot. */
  readonly nodes?: 1 | 2;
  /** The path of REDIS_URL. */
  readonly database?: string;
  /** The user and password in REDIS_URL. */
  readonly user?: string;
  /** @param other the second node, or the owner again */
  readonly refuse: (owner: Redis, server: TestRedis, other: Redis) => Promise<unknown>;
  readonly mend: (owner: Redis, server: TestRedis, other: Redis) => Promise<unknown>;
}

/** A Redis that accepts commands until it is told to refuse them. */
export interface RefusingRedis {
  /** REDIS_URL of the service. */
  readonly url: string;
  /** The same database as seen by a client that nothing is refused. */
  readonly ownUrl: string;
  refuse(): Promise<void>;
  mend(): Promise<void>;
  /** How many commands it received so far. */
  calls(): Promise<number>;
  stop(): Promise<void>;
}

export async function startRefusing(refusal: Refusal): Promise<RefusingRedis> {
  const { nodes = 0, database = '', user = '' } = refusal;
  const server = await start(nodes > 0);
  const owner = new Redis(server.url);
  const second = nodes === 2 ? await start(true) : undefined;
  const other = second === undefined ? owner : new Redis(second.url);
  if (nodes > 0) await serveAllSlots(owner);
  if (second !== undefined) await owner.cluster('MEET', '127.0.0.1', second.port);
  return {
    url: server.url.replace('//', `//${user}`) + database,
    ownUrl: server.url + database,
    refuse: async () => void (await refusal.refuse(owner, server, other)),
    mend: async () => void (await refusal.mend(owner, server, other)),
    async calls() {
      const stats = await owner.info('stats');
      return Number(/^total_commands_processed:(\d+)/m.exec(stats)?.[1]);
    },
    async stop() {
      for (const client of [owner, other]) client.disconnect();
      await Promise.all([server.stop(), second?.stop()]);
    },
  };
}

const USER = 'of:pw@';

/** Nothing but the attempt of a worker shows that it is mended. */
export const UNPROBED = 'NOPERM, for one command of BullMQ that no probe tries';

export const REFUSALS: readonly Refusal[] = [
  {
    name: 'NOPERM, for every key',
    says: /NOPERM .*REDIS_USERNAME/,
    user: USER,
    refuse: (owner) => owner.acl('SETUSER', 'of', 'on', '>pw', '~other:*', '+@all'),
    mend: (owner) => owner.acl('SETUSER', 'of', '~*'),
  },
  {
    name: UNPROBED,
    says: /NOPERM .*bzpopmin.*REDIS_USERNAME/,
    user: USER,
    refuse: (owner) => owner.acl('SETUSER', 'of', 'on', '>pw', '~*', '+@all', '-bzpopmin'),
    mend: (owner) => owner.acl('SETUSER', 'of', '+bzpopmin'),
  },
  {
    name: 'NOPERM, for scripts',
    says: /NOPERM .*eval.*REDIS_USERNAME/,
    user: USER,
    refuse: (owner) => owner.acl('SETUSER', 'of', 'on', '>pw', '~*', '+@all', '-evalsha', '-eval'),
    mend: (owner) => owner.acl('SETUSER', 'of', '+@all'),
  },
  {
    name: 'WRONGPASS',
    says: /WRONGPASS .*REDIS_PASSWORD/,
    user: USER,
    refuse: (owner) => owner.acl('SETUSER', 'of', 'on', '>other', '~*', '+@all'),
    mend: (owner) => owner.acl('SETUSER', 'of', '>pw'),
  },
  {
    name: 'NOAUTH',
    says: /NOAUTH .*REDIS_PASSWORD/,
    refuse: (owner) => owner.config('SET', 'requirepass', 'secret'),
    mend: (owner) => owner.config('SET', 'requirepass', ''),
  },
  {
    name: 'READONLY',
    says: /READONLY .*REDIS_URL must name the primary/,
    refuse: (owner) => owner.replicaof('127.0.0.1', '1'),
    mend: (owner) => owner.replicaof('NO', 'ONE'),
  },
  {
    name: 'MISCONF',
    says: /MISCONF .*disk/,
    refuse: async (owner, { dir }) => {
      await mkdir(join(dir, 'dump.rdb'));
      await owner.config('SET', 'save', '3600 1');
      await saved(owner, 'err');
    },
    mend: async (owner, { dir }) => {
      await rmdir(join(dir, 'dump.rdb'));
      await saved(owner, 'ok');
    },
  },
  {
    name: 'NOREPLICAS',
    says: /NOREPLICAS .*min-replicas-to-write/,
    refuse: (owner) => owner.config('SET', 'min-replicas-to-write', '1'),
    mend: (owner) => owner.config('SET', 'min-replicas-to-write', '0'),
  },
  {
    name: 'OOM',
    says: /OOM .*maxmemory/,
    refuse: (owner) => owner.config('SET', 'maxmemory', '1'),
    mend: (owner) => owner.config('SET', 'maxmemory', '0'),
  },
  {
    name: 'SELECT refused',
    says: /refuses database 1, which REDIS_URL names \(NOPERM/,
    database: '/1',
    user: USER,
    refuse: (owner) => owner.acl('SETUSER', 'of', 'on', '>pw', '~*', '+@all', '-select'),
    mend: (owner) => owner.acl('SETUSER', 'of', '+select'),
  },
  {
    name: 'CLUSTERDOWN',
    says: /CLUSTERDOWN .*CLUSTER INFO/,
    nodes: 1,
    refuse: async (owner) => {
      await owner.cluster('DELSLOTS', ...SLOTS);
      await until('down', () => stateIs(owner, 'fail'));
    },
    mend: (owner) => serveAllSlots(owner),
  },
  {
    name: 'MOVED',
    says: /MOVED \d.*REDIS_URL/,
    nodes: 2,
    refuse: async (owner, _server, other) => {
      await owner.cluster('DELSLOTS', ...SLOTS);
      await serveAllSlots(other);
      await until('moved', () => stateIs(owner, 'ok'));
    },
    mend: async (owner, _server, other) => {
      await other.cluster('DELSLOTS', ...SLOTS);
      await owner.cluster('DELSLOTS', ...SLOTS);
      await serveAllSlots(owner);
    },
  },
];

async function serveAllSlots(owner: Redis): Promise<void> {
  await owner.cluster('ADDSLOTS', ...SLOTS);
  await until('up', () => stateIs(owner, 'ok'));
}

function start(inCluster: boolean): Promise<TestRedis> {
  return inCluster ? startNode() : startRedis();
}

async function saved(owner: Redis, status: string): Promise<void> {
  await owner.bgsave();
  await until('saved', async () =>
    (await owner.info('persistence')).includes(`rdb_last_bgsave_status:${status}`),
  );
}

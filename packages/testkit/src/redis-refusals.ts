import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort, startRedis, type TestRedis } from './redis.ts';
import { until } from './until.ts';

/** A way in which a Redis that is up refuses commands. */
export interface Refusal {
  readonly name: string;
  /** What /readyz and the log say: the server's words, then what to check. */
  readonly says: RegExp;
  /** A cluster of one node. */
  readonly cluster?: boolean;
  /** The path of REDIS_URL. */
  readonly database?: string;
  /** The user and password in REDIS_URL. */
  readonly user?: string;
  readonly refuse: (owner: Redis, server: TestRedis) => Promise<unknown>;
  readonly mend: (owner: Redis, server: TestRedis) => Promise<unknown>;
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
  const { cluster = false, database = '', user = '' } = refusal;
  const server = await start(cluster);
  const owner = new Redis(server.url);
  if (cluster) await serveAllSlots(owner);
  return {
    url: server.url.replace('//', `//${user}`) + database,
    ownUrl: server.url + database,
    refuse: async () => void (await refusal.refuse(owner, server)),
    mend: async () => void (await refusal.mend(owner, server)),
    async calls() {
      const stats = await owner.info('stats');
      return Number(/^total_commands_processed:(\d+)/m.exec(stats)?.[1]);
    },
    async stop() {
      owner.disconnect();
      await server.stop();
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
    says: /CLUSTERDOWN .*REDIS_URL/,
    cluster: true,
    refuse: async (owner) => {
      await owner.cluster('DELSLOTS', ...SLOTS);
      await until('down', async () => (await owner.cluster('INFO')).includes('state:fail'));
    },
    mend: (owner) => serveAllSlots(owner),
  },
];

const SLOTS = Array.from({ length: 16_384 }, (_, slot) => slot);

async function serveAllSlots(owner: Redis): Promise<void> {
  await owner.cluster('ADDSLOTS', ...SLOTS);
  await until('up', async () => (await owner.cluster('INFO')).includes('state:ok'));
}

/** The port of the cluster bus is 10,000 above. */
async function clusterPort(): Promise<number> {
  const port = await freePort();
  return port < 55_000 ? port : clusterPort();
}

async function start(cluster: boolean): Promise<TestRedis> {
  if (!cluster) return startRedis();
  return startRedis({ args: ['--cluster-enabled', 'yes'], port: await clusterPort() });
}

async function saved(owner: Redis, status: string): Promise<void> {
  await owner.bgsave();
  await until('saved', async () =>
    (await owner.info('persistence')).includes(`rdb_last_bgsave_status:${status}`),
  );
}

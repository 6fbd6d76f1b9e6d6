import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiProxy, Fate } from '../api-proxy.ts';
import { between, type Kind, type Means, oneOf, type Promised } from '../fault.ts';

/** Milliseconds: work goes on by then, or it does not. */
const RESUMES = 60_000;

/** Redis and the API server that die, hang, and say no. */
export const SERVERS: readonly Kind[] = [
  {
    name: 'Redis killed, and back from its file',
    at: ['redis'],
    async run(means) {
      const { redis } = means.stage;
      await redis.kill();
      await sleep(between(means.random, 1000, 6000));
      await redis.restart();
      await resumed(means, 'Redis back');
    },
  },
  {
    name: 'Redis hangs for 10 s',
    at: ['redis'],
    async run(means) {
      const { redis } = means.stage;
      redis.pause();
      await sleep(10_000);
      redis.resume();
      await resumed(means, 'Redis back');
    },
  },
  {
    name: 'Redis out of memory',
    at: ['redis'],
    async run(means) {
      await maxmemory(means, () => 1);
      await sleep(between(means.random, 3000, 6000));
      await maxmemory(means, () => 0);
      await resumed(means, 'Redis back');
    },
  },
  {
    name: 'Redis nearly full',
    at: ['redis'],
    async run(means) {
      // Above what the receivers take, below what the workers need.
      await maxmemory(means, (used) => used * 1.25);
      await sleep(between(means.random, 3000, 6000));
      await maxmemory(means, () => 0);
    },
  },
  {
    name: 'API server killed',
    at: ['api server'],
    async run(means) {
      const { plane } = means.stage;
      await plane.killApiServer();
      await sleep(between(means.random, 500, 3000));
      await plane.startApiServer();
      await resumed(means, 'API server back');
    },
  },
  {
    name: 'API server hangs',
    at: ['api server'],
    async run(means) {
      const pid = means.stage.plane.pids()['kube-apiserver'];
      if (pid === undefined) throw new Error('the API server does not run');
      process.kill(pid, 'SIGSTOP');
      await sleep(between(means.random, 5000, 10_000));
      process.kill(pid, 'SIGCONT');
      await resumed(means, 'API server back');
    },
  },
  answering(429),
  answering(500),
  answering(503),
  {
    name: 'API server cuts replies after the create',
    at: ['api server'],
    async run(means) {
      await ruled(means, 0.5, (call) =>
        call === 'create Job' ? { cutReply: () => undefined } : undefined,
      );
    },
  },
];

/** Some calls to every worker are answered so, for a while. */
function answering(answer: 429 | 500 | 503): Kind {
  return {
    name: `API server answers ${answer}`,
    at: ['api server'],
    run: (means) => ruled(means, oneOf(means.random, [0.3, 0.7, 1]), () => ({ answer })),
  };
}

type Verb = Parameters<NonNullable<ApiProxy['rule']>>[0]['verb'];

/** A worker's own fault may have a rule there already, or set its own: that one counts. */
async function ruled(
  { stage, random }: Means,
  share: number,
  fate: (verb: Verb) => Fate | undefined,
): Promise<void> {
  const rule: ApiProxy['rule'] = ({ verb }) => (random.chance(share) ? fate(verb) : undefined);
  const free = stage.workers.filter(({ api }) => api.rule === undefined);
  for (const { api } of free) api.rule = rule;
  await sleep(between(random, 3000, 6000));
  for (const { api } of free) if (api.rule === rule) api.rule = undefined;
}

async function maxmemory({ witness }: Means, bytes: (used: number) => number): Promise<void> {
  const info = await witness.redis.info('memory');
  const used = Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
  await witness.redis.config('SET', 'maxmemory', String(Math.round(bytes(used))));
}

/** Until a worker tells of an end again. */
async function resumed({ stage, recovery }: Means, of: Promised): Promise<void> {
  const told = (): number =>
    stage.workers
      .flatMap(({ lives }) => lives)
      .map(({ lines }) => lines.filter(({ outcome }) => outcome !== undefined).length)
      .reduce((sum, count) => sum + count, 0);
  const before = told();
  await recovery(of, async () => {
    const limit = Date.now() + RESUMES;
    while (told() === before && Date.now() < limit) await sleep(50);
    return told() > before;
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiProxy, Fate } from '../api-proxy.ts';
import { between, type Context, type Fault, oneOf, type Recovery } from '../fault.ts';

/** Milliseconds in which work must resume. */
const RESUMES = 60_000;

/** Redis and the API server crash, hang, or refuse requests. */
export const SERVERS: readonly Fault[] = [
  {
    name: 'Redis killed, and back from its file',
    at: ['redis'],
    async run(context) {
      const { redis } = context.installation;
      await redis.kill();
      await sleep(between(context.random, 1000, 6000));
      await redis.restart();
      await resumed(context, 'Redis back');
    },
  },
  {
    name: 'Redis hangs for 10 s',
    at: ['redis'],
    async run(context) {
      const { redis } = context.installation;
      redis.pause();
      await sleep(10_000);
      redis.resume();
      await resumed(context, 'Redis back');
    },
  },
  {
    name: 'Redis out of memory',
    at: ['redis'],
    async run(context) {
      // Not 0: workers keep a part of it for what has ended, which the observer has to see.
      await maxmemory(context, (used) => used / 2);
      await sleep(between(context.random, 3000, 6000));
      await maxmemory(context, () => 0);
      await resumed(context, 'Redis back');
    },
  },
  {
    name: 'Redis nearly full',
    at: ['redis'],
    async run(context) {
      // Receivers refuse alerts, workers can still write.
      await maxmemory(context, (used) => used * 1.25);
      await sleep(between(context.random, 3000, 6000));
      await maxmemory(context, () => 0);
    },
  },
  {
    name: 'API server killed',
    at: ['api server'],
    async run(context) {
      const { plane } = context.installation;
      await plane.killApiServer();
      await sleep(between(context.random, 500, 3000));
      await plane.startApiServer();
      await resumed(context, 'API server back');
    },
  },
  {
    name: 'API server hangs',
    at: ['api server'],
    async run(context) {
      const pid = context.installation.plane.pids()['kube-apiserver'];
      if (pid === undefined) throw new Error('the API server does not run');
      process.kill(pid, 'SIGSTOP');
      await sleep(between(context.random, 5000, 10_000));
      process.kill(pid, 'SIGCONT');
      await resumed(context, 'API server back');
    },
  },
  answering(429),
  answering(500),
  answering(503),
  {
    name: 'API server cuts replies after the create',
    at: ['api server'],
    async run(context) {
      await ruled(context, 0.5, (call) =>
        call === 'create Job' ? { cutReply: () => undefined } : undefined,
      );
    },
  },
];

/** Answers some calls of every worker with the code, for a while. */
function answering(answer: 429 | 500 | 503): Fault {
  return {
    name: `API server answers ${answer}`,
    at: ['api server'],
    run: (context) => ruled(context, oneOf(context.random, [0.3, 0.7, 1]), () => ({ answer })),
  };
}

type Verb = Parameters<NonNullable<ApiProxy['rule']>>[0]['verb'];

/** A fault of one worker may have its own rule: it takes precedence. */
async function ruled(
  { installation, random }: Context,
  share: number,
  fate: (verb: Verb) => Fate | undefined,
): Promise<void> {
  const rule: ApiProxy['rule'] = ({ verb }) => (random.chance(share) ? fate(verb) : undefined);
  const free = installation.workers.filter(({ api }) => api.rule === undefined);
  for (const { api } of free) api.rule = rule;
  await sleep(between(random, 3000, 6000));
  for (const { api } of free) if (api.rule === rule) api.rule = undefined;
}

async function maxmemory({ observer }: Context, bytes: (used: number) => number): Promise<void> {
  const info = await observer.redis.info('memory');
  const used = Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
  await observer.redis.config('SET', 'maxmemory', String(Math.round(bytes(used))));
}

/** Waits until a worker logs an end again. */
async function resumed({ installation, recovery }: Context, of: Recovery): Promise<void> {
  const logged = (): number =>
    installation.workers
      .flatMap(({ lives }) => lives)
      .map(({ lines }) => lines.filter(({ outcome }) => outcome !== undefined).length)
      .reduce((sum, count) => sum + count, 0);
  const before = logged();
  await recovery(of, async () => {
    const limit = Date.now() + RESUMES;
    while (logged() === before && Date.now() < limit) await sleep(50);
    return logged() > before;
  });
}

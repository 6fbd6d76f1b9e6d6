import { setTimeout as sleep } from 'node:timers/promises';
import { between, type Context, type Fault, oneOf } from '../fault.ts';
import type { Member, WorkerMember } from '../installation.ts';

/** Milliseconds in which another worker takes over the remediations of a killed one. */
const TAKEOVER = 30_000;

/** Milliseconds to wait for a moment, such as a create. */
const MOMENT = 10_000;

/** Services that are killed, stopped and restarted. */
export const PROCESSES: readonly Fault[] = [
  {
    name: 'worker killed',
    at: ['worker'],
    async run(context) {
      const worker = oneOf(context.random, context.installation.workers);
      const inHand = await busy(context);
      await kill(worker);
      await taken(context, inHand);
      await worker.start();
    },
  },
  {
    name: 'worker killed in a create',
    at: ['worker'],
    async run(context) {
      const worker = oneOf(context.random, context.installation.workers);
      const remediation = await killedInCreate(worker, context.random.chance(0.5));
      await worker.running().exited;
      if (remediation !== undefined) await taken(context, [remediation]);
      await worker.start();
    },
  },
  {
    name: 'worker killed twice on one remediation',
    at: ['worker'],
    async run(context) {
      const { workers } = context.installation;
      const first = oneOf(context.random, workers);
      const remediation = await killedInCreate(first, true);
      await first.running().exited;
      const second = await killedReading(workers.filter((one) => one !== first));
      if (remediation !== undefined) await taken(context, [remediation]);
      await first.start();
      await second?.start();
    },
  },
  {
    name: 'worker paused past its lock',
    at: ['worker'],
    async run(context) {
      const worker = oneOf(context.random, context.installation.workers);
      const process = worker.running();
      await inCreate(worker, () => {
        process.kill('SIGSTOP');
        return undefined;
      });
      await sleep(between(context.random, 12_000, 16_000));
      process.kill('SIGCONT');
    },
  },
  {
    name: 'receiver killed in a batch',
    at: ['receiver'],
    async run({ installation, random }) {
      const receiver = oneOf(random, installation.receivers);
      // Slows down storing.
      receiver.toRedis.delay(100);
      await sleep(500 + random.below(200));
      await kill(receiver);
      receiver.toRedis.heal();
      await sleep(random.below(3000));
      await receiver.start();
    },
  },
  {
    name: 'rolling restart of everything',
    at: ['worker', 'receiver', 'people'],
    async run({ installation }) {
      for (const member of [
        ...installation.receivers,
        ...installation.workers,
        installation.dashboard,
      ]) {
        const { code } = await member.running().stop(20_000);
        if (code !== 0) throw new Error(`${member.name} ended with ${code} on SIGTERM`);
        await member.start();
        // It does not get ready without Redis or an API server. Restart the next one anyway.
        await member
          .running()
          .ready(5000)
          .catch(() => undefined);
      }
    },
  },
];

async function kill(member: Member): Promise<void> {
  member.running().kill('SIGKILL');
  await member.running().exited;
}

/** Waits until the workers process something. @returns its ids */
async function busy({ observer }: Context): Promise<string[]> {
  const limit = Date.now() + MOMENT;
  while (Date.now() < limit) {
    const active = await observer.active().catch(() => []);
    if (active.length > 0) return active;
    await sleep(5);
  }
  return [];
}

/** Waits for a worker's next create. @returns the result of `moment` */
async function inCreate<T>(
  { api }: WorkerMember,
  moment: (remediation: string | undefined) => T,
  cutReply = false,
): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<T | undefined>();
  api.rule = (call) => {
    if (call.verb !== 'create Job') return undefined;
    api.rule = undefined;
    if (cutReply) return { cutReply: () => resolve(moment(call.remediation)) };
    resolve(moment(call.remediation));
    return undefined;
  };
  const found = await Promise.race([promise, sleep(MOMENT, undefined)]);
  api.rule = undefined;
  return found;
}

/** @param after kill after the API server has created the Job. @returns the remediation */
async function killedInCreate(worker: WorkerMember, after: boolean): Promise<string | undefined> {
  const process = worker.running();
  const killed = (remediation: string | undefined): string | undefined => {
    process.kill('SIGKILL');
    return remediation;
  };
  const remediation = await inCreate(worker, killed, after);
  // Without a create it is killed anyway.
  process.kill('SIGKILL');
  return remediation;
}

/** Kills the next worker that reads the Job of an earlier attempt. */
async function killedReading(workers: readonly WorkerMember[]): Promise<WorkerMember | undefined> {
  const { promise, resolve } = Promise.withResolvers<WorkerMember>();
  for (const worker of workers) {
    worker.api.rule = (call) => {
      if (call.verb !== 'read Job') return undefined;
      for (const { api } of workers) api.rule = undefined;
      worker.running().kill('SIGKILL');
      resolve(worker);
      return undefined;
    };
  }
  const killed = await Promise.race([promise, sleep(2 * MOMENT, undefined)]);
  for (const { api } of workers) api.rule = undefined;
  await killed?.running().exited;
  return killed;
}

const taken = (context: Context, remediations: readonly string[]): Promise<void> =>
  context.recovery('killed worker', () => context.observer.settled(remediations, TAKEOVER));

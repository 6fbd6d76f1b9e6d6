import { setTimeout as sleep } from 'node:timers/promises';
import { between, type Kind, type Means, oneOf } from '../fault.ts';
import type { Member, WorkerMember } from '../stage.ts';

/** Milliseconds: a killed worker's remediations are another's by then. */
const TAKEOVER = 30_000;

/** Milliseconds that a moment is waited for, such as that of a create. */
const MOMENT = 10_000;

/** Services that are killed, stopped and restarted. */
export const PROCESSES: readonly Kind[] = [
  {
    name: 'worker killed',
    at: ['worker'],
    async run(means) {
      const worker = oneOf(means.random, means.stage.workers);
      const inHand = await busy(means);
      await kill(worker);
      await taken(means, inHand);
      await worker.start();
    },
  },
  {
    name: 'worker killed in a create',
    at: ['worker'],
    async run(means) {
      const worker = oneOf(means.random, means.stage.workers);
      const remediation = await killedInCreate(worker, means.random.chance(0.5));
      await worker.running().exited;
      if (remediation !== undefined) await taken(means, [remediation]);
      await worker.start();
    },
  },
  {
    name: 'worker killed twice on one remediation',
    at: ['worker'],
    async run(means) {
      const { workers } = means.stage;
      const first = oneOf(means.random, workers);
      const remediation = await killedInCreate(first, true);
      await first.running().exited;
      const second = await killedReading(workers.filter((one) => one !== first));
      if (remediation !== undefined) await taken(means, [remediation]);
      await first.start();
      await second?.start();
    },
  },
  {
    name: 'worker paused past its lock',
    at: ['worker'],
    async run(means) {
      const worker = oneOf(means.random, means.stage.workers);
      const process = worker.running();
      await inCreate(worker, () => {
        process.kill('SIGSTOP');
        return undefined;
      });
      await sleep(between(means.random, 12_000, 16_000));
      process.kill('SIGCONT');
    },
  },
  {
    name: 'receiver killed in a batch',
    at: ['receiver'],
    async run({ stage, random }) {
      const receiver = oneOf(random, stage.receivers);
      // So that what it stores takes a while.
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
    async run({ stage }) {
      for (const member of [...stage.receivers, ...stage.workers, stage.dashboard]) {
        const { code } = await member.running().stop(20_000);
        if (code !== 0) throw new Error(`${member.name} ended with ${code} on SIGTERM`);
        await member.start();
        // Without Redis or an API server it is not, and the next one is restarted all the same.
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

/** @returns what is in the workers' hands, once there is something */
async function busy({ witness }: Means): Promise<string[]> {
  const limit = Date.now() + MOMENT;
  while (Date.now() < limit) {
    const active = await witness.active().catch(() => []);
    if (active.length > 0) return active;
    await sleep(5);
  }
  return [];
}

/** Waits for a worker's next create. @returns what the moment says */
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

/** @param after whether the API server has created the Job by then. @returns the remediation */
async function killedInCreate(worker: WorkerMember, after: boolean): Promise<string | undefined> {
  const process = worker.running();
  const killed = (remediation: string | undefined): string | undefined => {
    process.kill('SIGKILL');
    return remediation;
  };
  const remediation = await inCreate(worker, killed, after);
  // No create came: it is killed as it is.
  process.kill('SIGKILL');
  return remediation;
}

/** Kills the next worker that looks whether the Job of an earlier attempt is there. */
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

const taken = (means: Means, remediations: readonly string[]): Promise<void> =>
  means.recovery('killed worker', () => means.witness.settled(remediations, TAKEOVER));

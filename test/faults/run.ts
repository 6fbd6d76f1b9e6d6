import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '@openfero/testkit/random';
import {
  check,
  type Evidence,
  episodesThatRan,
  type Findings,
  type MadeJob,
  madeJob,
} from './checks.ts';
import { type EmptyRedis, emptyRedis } from './empty-redis.ts';
import { readFates } from './fates.ts';
import type { Fault, People } from './fault.ts';
import { type Installation, startInstallation } from './installation.ts';
import { allJobs, type Kubelet, startKubelet } from './kubelet.ts';
import { type Observer, queueKey, startObserver } from './observer.ts';
import { configMaps, GROUPS, NAMESPACE } from './operarii.ts';
import { type Injected, inject, type PastFault, plan } from './schedule.ts';
import { startSender } from './sender.ts';
import { startSource } from './source.ts';
import { type Usage, usageOf } from './usage.ts';

export interface Options {
  readonly seed: number;
  readonly kinds: readonly Fault[];
  /** How many faults to inject, and in how many milliseconds. */
  readonly faults: number;
  readonly ms: number;
  /** Prints progress. */
  readonly say: (text: string) => void;
}

/** The results of a run. */
export interface Report {
  readonly seed: number;
  readonly injected: Injected;
  readonly evidence: Evidence;
  readonly findings: Findings;
  readonly episodes: number;
  readonly refusals: ReadonlyMap<string, number>;
  readonly usage: { readonly before: Usage; readonly after: Usage };
  readonly emptyRedis: EmptyRedis;
}

/** Milliseconds to drain the queue after the last fault: places may need a minute. */
const DRAIN = 180_000;

/** Every run starts with this fault. */
const STARTED_LATE: PastFault = { name: 'Redis starts late', places: ['redis'], from: 0, to: 0 };

/** Starts everything, sends alerts, injects faults, checks the results, stops everything. */
export async function run(options: Options): Promise<Report> {
  const { seed, say } = options;
  say('starting; Redis starts last');
  const installation = await startInstallation();
  const observer = startObserver(installation.redis.port);
  const kubelet = startKubelet(installation.plane);
  const source = startSource(installation.alertmanager);
  try {
    const before = await usageOf(installation, observer);
    const sender = startSender({
      source,
      random: seeded(seed),
      groups: GROUPS,
      urls: installation.receivers.map(({ fromSender }) => `http://127.0.0.1:${fromSender.port}`),
    });
    const people: People = { retries: [], removed: new Set(), newer: new Set() };
    const injected = await injectFaults({ ...options, installation, observer, people });
    say('all faults are over; waiting until the queue is drained');
    await sender.finish();
    const problems = await drained(observer, people);
    await observer.look();
    const jobs = await jobsOf(installation, kubelet);
    const { acknowledged, tries, refusals } = structuredClone({ ...sender, finish: 0, repeat: 0 });
    const evidence = {
      sender: { acknowledged, tries },
      endings: new Map(observer.endings),
      jobs,
      people,
      logged: logged(installation),
      told: await readFates(observer.redis, jobs),
    };
    const after = await usageOf(installation, observer);
    const findings = check(evidence);
    say('restarting Redis without its data');
    return {
      ...{ seed, evidence, refusals, usage: { before, after } },
      injected: {
        ...injected,
        past: [STARTED_LATE, ...injected.past],
        problems: [...injected.problems, ...problems],
      },
      findings,
      episodes: episodesThatRan(evidence).size,
      emptyRedis: await emptyRedis({ installation, observer, sender, before: jobs }),
    };
  } finally {
    say('stopping');
    await source.stop();
    await kubelet.stop();
    await observer.stop();
    await installation.stop();
  }
}

interface RunningOptions extends Options {
  readonly installation: Installation;
  readonly observer: Observer;
  readonly people: People;
}

/** Injects all faults. Halfway, the operarius that the API server refuses is repaired. */
async function injectFaults(running: RunningOptions): Promise<Injected> {
  const { seed, kinds, faults, ms, installation } = running;
  const repaired = repair(installation, ms / 2);
  const injected = await inject(plan(seed, kinds, faults, ms), running);
  await repaired;
  return injected;
}

async function repair({ plane }: Installation, after: number): Promise<void> {
  await sleep(after);
  const text = configMaps(true).join('\n---\n');
  for (;;) {
    try {
      await plane.kubectl(['apply', '-n', NAMESPACE, '-f', '-'], text);
      return;
    } catch {
      // The API server is down.
      await sleep(1000);
    }
  }
}

/** Waits until the queue is empty, except for payloads that need a newer release. @returns what is left */
async function drained(observer: Observer, { newer }: People): Promise<string[]> {
  const limit = Date.now() + DRAIN;
  let left: Readonly<Record<string, number>> = {};
  while (Date.now() < limit) {
    left = await observer.left();
    const { delayed = 0, wait = 0, active = 0, ...none } = left;
    const rest = delayed + wait + active - newer.size;
    if (rest <= 0 && Object.values(none).every((count) => count === 0))
      return afterwards(observer, newer);
    await sleep(500);
  }
  return [`not drained: ${JSON.stringify(left)}, including ${newer.size} newer payloads`];
}

/** Checks what must remain in Redis, and what must not. */
async function afterwards(
  { redis, failed }: Observer,
  newer: ReadonlySet<string>,
): Promise<string[]> {
  const keys = await redis.keys(queueKey('de', '*'));
  const given = (await failed()).filter((id) => newer.has(id));
  const kept = await redis.zcard(queueKey('delayed'));
  for (const id of newer) await redis.zrem(queueKey('delayed'), id);
  return [
    ...keys.map((key) => `${key} still exists, and absorbs alerts`),
    ...given.map((id) => `${id}, of a newer version, failed`),
    ...(kept === newer.size ? [] : [`${kept} of ${newer.size} newer payloads wait`]),
  ];
}

async function jobsOf(
  { plane }: Installation,
  { finishedAt }: Pick<Kubelet, 'finishedAt'>,
): Promise<MadeJob[]> {
  return (await allJobs(plane)).map((job) => madeJob(job, finishedAt));
}

/** How often the workers logged each end. */
function logged({ workers }: Installation): Map<string, number> {
  const times = new Map<string, number>();
  const lines = workers.flatMap(({ lives }) => lives.flatMap((life) => life.lines));
  for (const { outcome, remediation } of lines) {
    if (outcome === undefined || typeof remediation !== 'string') continue;
    times.set(remediation, (times.get(remediation) ?? 0) + 1);
  }
  return times;
}

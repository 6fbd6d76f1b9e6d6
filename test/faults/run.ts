import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '@openfero/testkit/random';
import {
  type Evidence,
  episodesThatRan,
  judge,
  type MadeJob,
  madeJob,
  type Verdict,
} from './checks.ts';
import { configMaps, GROUPS, NAMESPACE } from './definitions.ts';
import { type Emptied, emptied } from './empty-redis.ts';
import type { Kind, People } from './fault.ts';
import { allJobs, type Kubelet, startKubelet } from './kubelet.ts';
import { type Happened, type Played, plan, play } from './schedule.ts';
import { startSender } from './sender.ts';
import { type Stage, startStage } from './stage.ts';
import { type Usage, usageOf } from './usage.ts';
import { queueKey, startWitness, type Witness } from './witness.ts';

export interface Options {
  readonly seed: number;
  readonly kinds: readonly Kind[];
  /** How many of them happen, and in how many milliseconds. */
  readonly faults: number;
  readonly ms: number;
  /** Told of what goes on. */
  readonly say: (text: string) => void;
}

/** All that a run found. */
export interface Report {
  readonly seed: number;
  readonly played: Played;
  readonly evidence: Evidence;
  readonly verdict: Verdict;
  readonly episodes: number;
  readonly refusals: ReadonlyMap<string, number>;
  readonly usage: { readonly before: Usage; readonly after: Usage };
  readonly emptied: Emptied;
}

/** Milliseconds after the last fault until nothing waits any more: places may need a minute. */
const DRAIN = 180_000;

/** Every run begins so. */
const STARTED_LATE: Happened = { name: 'Redis starts late', places: ['redis'], from: 0, to: 0 };

/** One run: everything started, alerts and faults, everything checked, everything ended. */
export async function run(options: Options): Promise<Report> {
  const { seed, say } = options;
  say('starting: Redis comes late');
  const stage = await startStage();
  const witness = startWitness(stage.redis.port);
  const kubelet = startKubelet(stage.plane);
  try {
    const before = await usageOf(stage, witness);
    const sender = startSender({
      random: seeded(seed),
      groups: GROUPS,
      urls: stage.receivers.map(({ fromSender }) => `http://127.0.0.1:${fromSender.port}`),
    });
    const people: People = { retries: [], removed: new Set(), newer: new Set() };
    const played = await suffer({ ...options, stage, witness, people });
    say('all faults are over: waiting until all is done');
    await sender.finish();
    const problems = await drained(witness, people);
    await witness.look();
    const jobs = await jobsOf(stage, kubelet);
    const { acknowledged, tries, refusals } = structuredClone({ ...sender, finish: 0, repeat: 0 });
    const evidence = {
      sender: { acknowledged, tries },
      endings: new Map(witness.endings),
      jobs,
      people,
      told: told(stage),
    };
    const after = await usageOf(stage, witness);
    const verdict = judge(evidence);
    say('Redis comes back empty');
    return {
      ...{ seed, evidence, refusals, usage: { before, after } },
      played: {
        ...played,
        happened: [STARTED_LATE, ...played.happened],
        problems: [...played.problems, ...problems],
      },
      verdict,
      episodes: episodesThatRan(evidence).size,
      emptied: await emptied({ stage, witness, sender, before: jobs }),
    };
  } finally {
    say('stopping');
    await kubelet.stop();
    await witness.stop();
    await stage.stop();
  }
}

interface Suffering extends Options {
  readonly stage: Stage;
  readonly witness: Witness;
  readonly people: People;
}

/** All faults; in the middle of them somebody mends what the API server refuses. */
async function suffer(suffering: Suffering): Promise<Played> {
  const { seed, kinds, faults, ms, stage } = suffering;
  const mended = mend(stage, ms / 2);
  const played = await play(plan(seed, kinds, faults, ms), suffering);
  await mended;
  return played;
}

async function mend({ plane }: Stage, after: number): Promise<void> {
  await sleep(after);
  const text = configMaps(true).join('\n---\n');
  for (;;) {
    try {
      await plane.kubectl(['apply', '-n', NAMESPACE, '-f', '-'], text);
      return;
    } catch {
      // The API server is away just now.
      await sleep(1000);
    }
  }
}

/** Waits until nothing is left but what only a newer release can read. @returns what is left all the same */
async function drained(witness: Witness, { newer }: People): Promise<string[]> {
  const limit = Date.now() + DRAIN;
  let left: Readonly<Record<string, number>> = {};
  while (Date.now() < limit) {
    left = await witness.left();
    const { delayed = 0, wait = 0, active = 0, ...none } = left;
    const rest = delayed + wait + active - newer.size;
    if (rest <= 0 && Object.values(none).every((count) => count === 0))
      return afterwards(witness, newer);
    await sleep(500);
  }
  return [`not drained: ${JSON.stringify(left)} (${newer.size} newer payloads among them)`];
}

/** What must not stay behind, and what must. */
async function afterwards(
  { redis, failed }: Witness,
  newer: ReadonlySet<string>,
): Promise<string[]> {
  const keys = await redis.keys(queueKey('de', '*'));
  const given = (await failed()).filter((id) => newer.has(id));
  const kept = await redis.zcard(queueKey('delayed'));
  for (const id of newer) await redis.zrem(queueKey('delayed'), id);
  return [
    ...keys.map((key) => `${key} is still there, and absorbs`),
    ...given.map((id) => `${id}, of a newer version, has failed`),
    ...(kept === newer.size ? [] : [`${newer.size} newer payloads, of which ${kept} wait`]),
  ];
}

async function jobsOf(
  { plane }: Stage,
  { finishedAt }: Pick<Kubelet, 'finishedAt'>,
): Promise<MadeJob[]> {
  return (await allJobs(plane)).map((job) => madeJob(job, finishedAt));
}

/** How often the workers' logs tell of each end. */
function told({ workers }: Stage): Map<string, number> {
  const times = new Map<string, number>();
  const lines = workers.flatMap(({ lives }) => lives.flatMap((life) => life.lines));
  for (const { outcome, remediation } of lines) {
    if (outcome === undefined || typeof remediation !== 'string') continue;
    times.set(remediation, (times.get(remediation) ?? 0) + 1);
  }
  return times;
}

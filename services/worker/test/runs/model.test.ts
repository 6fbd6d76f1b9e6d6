import assert from 'node:assert/strict';
import { after, before, it, type TestContext } from 'node:test';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { createRuns, type Runs, runOf } from './runs.ts';

/** Worlds for each test. 300 take two minutes. */
const SEEDS = Number(process.env['OPENFERO_STOP_SEEDS'] ?? 10);

let server: TestRedis;
before(async () => {
  // No fsync: nothing is lost here.
  server = await startRedis({ args: ['--appendonly', 'no'] });
});
after(() => server.stop());

/** Mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A world: when its alerts come, and how its Jobs go. Times in seconds. */
interface World {
  readonly hours: number;
  /** Between two runs, on average. */
  readonly gap: number;
  /** Chance that a Job that starts then fails. */
  readonly fails: (start: number) => number;
  /** Chance that one that succeeds does not help. */
  readonly unhelpful: (start: number) => number;
}

const DURATION = 30;
const EFFECT_WITHIN = 900;

interface Event {
  readonly at: number;
  readonly uid: string;
  readonly kind: 'end' | 'effect';
  readonly end: number;
  readonly start: number;
  readonly failed: boolean;
  readonly bad: boolean;
}

/** Ends and effects in the order in which the first of three workers learns of them: within a second, or a pause of 30. */
function eventsOf({ hours, gap, fails, unhelpful }: World, random: () => number): Event[] {
  const events: Event[] = [];
  const lagOfOne = (): number => (random() < 0.02 ? 30 * random() : random());
  const lag = (): number => Math.min(lagOfOne(), lagOfOne(), lagOfOne());
  for (let start = 0; start < hours * 3600; start += gap * -Math.log(1 - random())) {
    const end = Math.floor(start + DURATION * (0.5 + random()));
    const failed = random() < fails(start);
    const bad = failed || random() < unhelpful(start);
    const run = { uid: String(events.length), start, end, failed, bad };
    events.push({ ...run, kind: 'end', at: end + lag() });
    if (!failed) events.push({ ...run, kind: 'effect', at: end + EFFECT_WITHIN + lag() });
  }
  return events.sort((a, b) => a.at - b.at);
}

/** @returns how many bad runs had started when the operarius was stopped; undefined where it never was */
async function badUntilStopped(
  t: TestContext,
  world: World,
  seed: number,
): Promise<number | undefined> {
  const runs = await createRuns(t, server.url);
  const events = eventsOf(world, randomOf(seed));
  const base = Date.now();
  for (const event of events) {
    if ((await tell(runs, event, base)) > 0) return badBefore(event.at, events);
  }
  return undefined;
}

/** Times of the model lie in the future of Redis: only their order matters. */
async function tell({ end, settle }: Runs, event: Event, base: number): Promise<number> {
  const run = runOf(base + event.end * 1000, { uid: event.uid, stopFor: 0 });
  if (event.kind === 'effect') return settle({ ...run, verdict: event.bad ? 'bad' : 'good' });
  return (await end({ ...run, verdict: event.failed ? 'bad' : 'pending' })).row;
}

const badBefore = (at: number, events: readonly Event[]): number =>
  new Set(events.filter((one) => one.bad && one.start <= at).map(({ uid }) => uid)).size;

async function all(t: TestContext, world: World): Promise<(number | undefined)[]> {
  const results = [];
  for (let seed = 1; seed <= SEEDS; seed++) results.push(await badUntilStopped(t, world, seed));
  return results;
}

const never = (): number => 0;
const always = (): number => 1;

/** Some start before the fifth has ended: 9 is the most in 300 worlds. */
const MOST = 10;

it('Jobs that always fail stop after five, and those that run by then', async (t) => {
  const found = await all(t, { hours: 1, gap: 60, fails: always, unhelpful: never });
  assert.ok(
    found.every((bad) => bad !== undefined && bad >= 5 && bad <= MOST),
    String(found),
  );
});

it('Jobs that fail after an hour of success stop as soon, although successes are known late', async (t) => {
  const fails = (start: number): number => Number(start > 3600);
  const found = await all(t, { hours: 2, gap: 60, fails, unhelpful: never });
  assert.ok(
    found.every((bad) => bad !== undefined && bad >= 5 && bad <= MOST),
    String(found),
  );
});

it('Jobs that no longer help stop once five effects are known', async (t) => {
  const unhelpful = (start: number): number => Number(start > 3600);
  const found = await all(t, { hours: 3, gap: 300, fails: never, unhelpful });
  assert.ok(
    found.every((bad) => bad !== undefined && bad >= 5 && bad <= 20),
    String(found),
  );
});

it('Jobs of which a tenth fails are hardly ever stopped', async (t) => {
  const found = await all(t, { hours: 8, gap: 60, fails: () => 0.1, unhelpful: never });
  const stopped = found.filter((bad) => bad !== undefined).length;
  assert.ok(stopped <= Math.max(1, SEEDS * 0.05), String(found));
});

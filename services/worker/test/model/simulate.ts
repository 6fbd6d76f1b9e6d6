import { createOperariusRegistry, type OperariusRegistry } from '@openfero/core/decisions/registry';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { NO_TRACING } from '@openfero/service/tracing';
import { configMap } from '@openfero/testkit/operarii';
import { type Random, seeded } from '@openfero/testkit/random';
import type { AttemptResult, Dependencies } from '../../src/remediation/attempt.ts';
import { remediate } from '../../src/remediation/remediate.ts';
import { verdictOn } from '../../src/remediation/verdict.ts';
import { readSettings } from '../../src/settings.ts';
import { ALERTNAME, alertmanagerOf } from './alertmanager.ts';
import { deliveryOf, type Entry, owns, reclaim, renew, take } from './queue.ts';
import { claimsOf, correctTargets, freeTarget, memoriesOf } from './redis.ts';
import { clusterOf, createWorld, senderOf, type Without, type World } from './world.ts';

export interface Scenario {
  readonly seed: number;
  /** The operarius' policy. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Steps in which anything may happen, before everything comes to rest. */
  readonly steps: number;
  readonly without?: Without;
}

export interface Run {
  readonly world: World;
  readonly entries: readonly Entry[];
  readonly operarius: ConfigMap;
}

/** An attempt under way, stopped before its next effect. */
interface Attempt {
  readonly entry: Entry;
  readonly token: number;
  resume: (() => void) | undefined;
  /** SIGSTOP: until then it does nothing, and renews no lock. */
  pausedUntil: number;
}

interface Setting {
  readonly world: World;
  readonly operarius: ConfigMap;
  readonly random: Random;
  readonly scenario: Scenario;
  /** Of all attempts: to read the operarius again for each was a quarter of a run. */
  readonly known: OperariusRegistry;
}

const SETTINGS = readSettings({
  REDIS_URL: 'redis://localhost',
  OPENFERO_CLUSTER: 'directory',
  OPENFERO_OPERARII_DIR: '.',
  OPENFERO_JOBS_DIR: '.',
});

/** Milliseconds, as the shortest that render.ts allows. */
const JOB_TTL = 300_000;
const LONGEST_PAUSE = 60_000;
const WORKERS = 6;

/**
 * Runs the real steps of a worker, many of them at once, over a modelled cluster, Redis and clock:
 * a seed decides which attempt does its next effect, which is killed or paused, when time passes, what
 * Alertmanager sends, and which Job ends or is deleted.
 */
export async function simulate(scenario: Scenario): Promise<Run> {
  const random = seeded(scenario.seed);
  const world = createWorld();
  const operarius = configMap(ALERTNAME, { metadata: { annotations: scenario.annotations } });
  const alertmanager = alertmanagerOf(world, random);
  const attempts = new Set<Attempt>();
  const asked = clusterOf(world, operarius, { turn: async () => {}, random });
  const known = createOperariusRegistry(asked, SETTINGS.policy);
  let tokens = 0;
  let awayUntil = 0;

  const begin = (): void => {
    const waiting = alertmanager.entries.filter(({ state }) => state === 'waiting');
    // What was attempted does not wait for as long as a finished Job is kept: see docs/guarantees.md.
    const attempted = waiting.filter((one) => one.stalled + one.attemptsMade > 0);
    const entry = random.pick(attempted.length > 0 ? attempted : waiting);
    if (entry === undefined || attempts.size >= WORKERS || world.now < awayUntil) return;
    const attempt: Attempt = { entry, token: tokens++, resume: undefined, pausedUntil: 0 };
    take(entry, attempt.token, world.now);
    attempts.add(attempt);
    void work(attempt, { world, operarius, random, scenario, known }).finally(() =>
      attempts.delete(attempt),
    );
  };
  const proceed = (): void => {
    const able = [...attempts].filter(({ pausedUntil }) => pausedUntil <= world.now);
    const attempt = random.pick(able.filter(({ resume }) => resume !== undefined));
    const resume = attempt?.resume;
    if (attempt !== undefined) attempt.resume = undefined;
    resume?.();
  };
  const pass = (ms: number): void => {
    const before = world.now;
    world.now += ms;
    for (const { entry, token, pausedUntil } of attempts) {
      if (pausedUntil <= world.now && owns(entry, token, before)) renew(entry, world.now);
    }
    for (const entry of alertmanager.entries) reclaim(entry, world.now);
    deleteFinished(world, quiet());
    correctTargets(world, isEnded);
  };
  const isEnded = (remediation: string): boolean =>
    alertmanager.entries.some(
      (entry) => entry.remediation.id === remediation && entry.state === 'ended',
    );
  const trouble = (): void => {
    const attempt = random.pick([...attempts]);
    if (attempt === undefined) return;
    if (random.chance(0.5)) attempts.delete(attempt);
    else attempt.pausedUntil = world.now + random.below(LONGEST_PAUSE);
  };
  /** No worker takes anything for a while: what flaps meanwhile is a backlog. */
  const away = (): void => {
    if (world.now >= awayUntil) awayUntil = world.now + random.below(LONGEST_PAUSE);
  };
  const finishJob = (): void => {
    const job = random.pick([...world.jobs.values()].filter(({ finished }) => !finished));
    if (job === undefined) return;
    job.finished = true;
    job.finishedAt = world.now;
    freeTarget(world, job.name);
  };
  const quiet = (): boolean => alertmanager.entries.every(({ state }) => state === 'ended');
  const actions: readonly (readonly [weight: number, act: () => void])[] = [
    [60, proceed],
    [12, begin],
    [10, () => pass(random.below(300))],
    [3, () => pass(random.below(15_000))],
    [8, alertmanager.send],
    [3, trouble],
    [3, finishJob],
    [1, away],
    // Nothing is interrupted for as long as a finished Job is kept: see docs/guarantees.md.
    [1, () => quiet() && pass(random.below(2 * JOB_TTL))],
  ];
  for (let step = 0; step < scenario.steps; step++) {
    weighted(actions, random)();
    await settled();
  }
  // From here on nothing goes wrong any more, and everything has to come to its end.
  while (!quiet()) {
    for (const act of [begin, proceed, proceed, finishJob, () => pass(500)]) {
      act();
      await settled();
    }
  }
  return { world, entries: alertmanager.entries, operarius };
}

/**
 * What the TTL controller does. A name that two troubles met in stays while anything is under way: that
 * one of them is killed and the other's Job deleted before it is back is left to a chance of 1 in 10^12.
 */
function deleteFinished({ jobs, collided, now }: World, quiet: boolean): void {
  for (const [name, job] of jobs) {
    if (job.finishedAt + JOB_TTL <= now && (quiet || !collided.has(name))) jobs.delete(name);
  }
}

/** One attempt of a worker, as consume.ts makes it. */
async function work(
  attempt: Attempt,
  { world, operarius, random, scenario, known }: Setting,
): Promise<void> {
  const { entry, token } = attempt;
  const turn = (): Promise<void> =>
    new Promise((resolve) => {
      attempt.resume = resolve;
    });
  const { without } = scenario;
  const cluster = clusterOf(world, operarius, { turn, without, random });
  const send = senderOf(turn, random);
  const deps: Dependencies = {
    settings: SETTINGS,
    tracing: NO_TRACING,
    cluster,
    registry: known,
    memory: memoriesOf(world, send, without),
    places: claimsOf(world, attempt, { send, without }),
  };
  try {
    const step = await remediate(deliveryOf(entry, token, world, { turn, send, without }), deps);
    await turn();
    if (owns(entry, token, world.now)) settle(entry, step);
  } catch (error) {
    const isCounted = without !== 'count of what Redis refused';
    if (owns(entry, token, world.now)) fail(entry, error, { now: world.now, isCounted });
  }
}

function settle(entry: Entry, step: AttemptResult): void {
  if (step.kind === 'end') {
    entry.state = 'ended';
    entry.ends.push(step.result.outcome);
    return;
  }
  entry.state = 'delayed';
  entry.due = step.until;
  entry.remediation = step.remediation;
}

/** @param isCounted whether an attempt is that Redis refused */
function fail(
  entry: Entry,
  error: unknown,
  { now, isCounted }: { readonly now: number; readonly isCounted: boolean },
): void {
  const verdict = verdictOn(error);
  if (verdict.kind === 'lost') return;
  if (verdict.kind === 'terminal') {
    entry.state = 'ended';
    entry.ends.push(verdict.failure);
    return;
  }
  entry.state = 'delayed';
  entry.due = now + 1000;
  if (verdict.kind === 'retry' || isCounted) entry.attemptsMade++;
}

function weighted(
  actions: readonly (readonly [weight: number, act: () => void])[],
  random: Random,
): () => void {
  let left = random.below(actions.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, act] of actions) {
    left -= weight;
    if (left < 0) return act;
  }
  return () => {};
}

/** Lets whoever was resumed come to its next effect. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

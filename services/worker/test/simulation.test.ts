import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { RejectedAlert } from '@openfero/core/read-alert';
import { createSimulation, type Simulation, type Verdict } from '@openfero/core/simulation';
import { seeded } from '@openfero/testkit/random';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { Redis } from 'ioredis';
import { readSettings } from '../src/settings.ts';
import { realWorld, type Said } from './simulation/real-world.ts';
import { randomScript, START, type Step } from './simulation/script.ts';

/** Scripts in `npm test`; for a long run: OPENFERO_SIMULATION_SCRIPTS=500 */
const SCRIPTS = Number(process.env['OPENFERO_SIMULATION_SCRIPTS'] ?? 30);

function saidBy(verdict: Verdict | RejectedAlert): Said {
  assert.ok(!(verdict instanceof RejectedAlert));
  const { decision, operarius, remediation: id, steps } = verdict;
  // What `openfero explain` prints last is what the worker does.
  const last = steps.at(-1);
  assert.equal(last?.result, decision.kind === 'hold' ? 'holds' : 'ends');
  assert.equal(last.reason, decision.kind === 'hold' ? decision.text : decision.reason);
  if (verdict.absorbed) return { id: '', outcome: 'absorbed', operarius: '', job: '' };
  if (decision.kind === 'hold') {
    return { id, outcome: `held: ${decision.reason}`, operarius, job: '' };
  }
  const { outcome, job = '' } = decision;
  return { id, outcome, operarius, job };
}

/** What a step asks of either side. */
function take<T>(
  side: {
    readonly notify: (body: unknown) => T;
    readonly advance: (ms: number) => T;
    readonly finish: () => T;
  },
  step: Step,
): T {
  switch (step.do) {
    case 'notify':
      return side.notify(step.body);
    case 'advance':
      return side.advance(step.ms);
    case 'finish':
      return side.finish();
  }
}

/** Runs a script on both sides. @returns all outcomes */
async function compare(seed: number, redis: Redis): Promise<string[]> {
  const { configMaps, maxActiveJobs, maxRuns, steps } = randomScript(seeded(seed));
  const settings = readSettings({
    REDIS_URL: 'redis://localhost',
    OPENFERO_CLUSTER: 'directory',
    OPENFERO_OPERARII_DIR: '.',
    OPENFERO_JOBS_DIR: '.',
    OPENFERO_MAX_ACTIVE_JOBS: maxActiveJobs,
    OPENFERO_MAX_RUNS: maxRuns,
  });
  const simulated = { ...settings, ownServiceAccount: undefined };
  const simulation: Simulation = createSimulation({
    configMaps,
    settings: simulated,
    start: START,
  });
  const real = realWorld(redis, configMaps, settings);
  const outcomes: string[] = [];
  for (const [i, step] of steps.entries()) {
    const expected = take<readonly (Verdict | RejectedAlert)[]>(simulation, step).map(saidBy);
    const actual = await take(real, step);
    const policies = configMaps.map(({ metadata }) => metadata.annotations);
    const told = JSON.stringify({ step, policies, maxActiveJobs, maxRuns });
    assert.deepEqual(expected, actual, `seed ${seed}, step ${i}: ${told}`);
    outcomes.push(...expected.map(({ outcome }) => outcome));
  }
  return outcomes;
}

describe('the simulation of openfero test', () => {
  let server: TestRedis;
  let redis: Redis;
  before(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
  });
  after(async () => {
    redis.disconnect();
    await server.stop();
  });

  it(`says of ${SCRIPTS} random scripts what the worker does with real Redis`, async () => {
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= SCRIPTS; seed++) {
      for (const outcome of await compare(seed, redis)) outcomes.add(outcome);
    }
    // A test that never comes to one of these says nothing of it.
    const reasons = ['cooldown', 'max-active', 'max-active-jobs', 'max-runs', 'target'];
    const expected = ['absorbed', 'created', 'deduplicated', 'dry-run', 'expired'];
    expected.push(...reasons.map((one) => `held: ${one}`));
    expected.push('invalid-operarius', 'no-operarius', 'not-matched', 'off', 'stopped');
    expected.push('superseded');
    assert.deepEqual([...outcomes].sort(), expected);
  });
});

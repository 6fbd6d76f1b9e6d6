import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { readOperarius } from '@openfero/core/operarius';
import type { Policy } from '@openfero/core/operarius/policy';
import { closerThanCooldown, covers } from '@openfero/testkit/coverage';
import { readSettings } from '../src/settings.ts';
import { ALERTNAME } from './model/alertmanager.ts';
import type { Entry } from './model/queue.ts';
import { type Run, type Scenario, simulate } from './model/simulate.ts';
import type { ModelJob, Without } from './model/world.ts';

const POLICIES: readonly Scenario['annotations'][] = [
  {},
  { 'openfero.io/cooldown': '0s' },
  { 'openfero.io/cooldown': '0s', 'openfero.io/repeat-after': '1m' },
  { 'openfero.io/dedup-by': 'group', 'openfero.io/cooldown': '1m' },
  { 'openfero.io/dedup-by': 'operarius', 'openfero.io/cooldown': '30s' },
];

/** With limits that the others have not: all alerts are about one target. */
const LIMITED: readonly Scenario['annotations'][] = [
  { 'openfero.io/cooldown': '0s', 'openfero.io/target': 'alertname' },
  { 'openfero.io/cooldown': '0s', 'openfero.io/max-runs': '4/1m' },
];

/** The long run: OPENFERO_MODEL_RUNS=14000 makes 100,000 Jobs. */
const RUNS = Number(process.env['OPENFERO_MODEL_RUNS'] ?? 300);
const STEPS = 1200;

/** What is wrong with a run, in words. */
function faults(run: Run): string[] {
  const keys = run.world.created.map(({ dedupKey }) => dedupKey);
  const doubled = [...new Set(keys)].filter((key) => count(keys, key) > 1);
  const read = readOperarius(run.operarius, ALERTNAME, DEFAULTS);
  return [
    ...doubled.map((key) => `${count(keys, key)} Jobs for one episode`),
    ...closerThanCooldown(run.world.created, () => read?.policy.cooldown ?? 0),
    ...onOneTarget(run.world.created),
    ...tooMany(run.world.created, read?.policy.maxRuns ?? 'none'),
    ...run.entries.flatMap((entry) => untrue(entry, run)),
  ];
}

/** Jobs that were created while another one worked on the same. */
function onOneTarget(jobs: readonly ModelJob[]): string[] {
  return jobs
    .filter(({ target }) => target !== undefined)
    .flatMap((job, i, all) => {
      const before = all[i - 1];
      return before !== undefined && before.finishedAt > job.createdAt
        ? [`${job.name} works on what ${before.name} works on`]
        : [];
    });
}

/** Jobs that were started although enough had been before. A run counts from when its place is taken. */
function tooMany(jobs: readonly ModelJob[], maxRuns: Policy['maxRuns']): string[] {
  if (maxRuns === 'none') return [];
  const { count: most, within } = maxRuns;
  const starts = jobs.map(({ takenAt }) => takenAt ?? Number.NaN).toSorted((a, b) => a - b);
  if (starts.some(Number.isNaN)) return ['a Job without a place'];
  return starts.flatMap((at, i) =>
    at - (starts[i - most] ?? Number.NEGATIVE_INFINITY) < within
      ? [`more than ${most} Jobs in ${within} ms`]
      : [],
  );
}

/** What is wrong with the end of a remediation. */
function untrue({ remediation, ends }: Entry, { world, operarius }: Run): string[] {
  const [end] = ends;
  const made = count(
    world.created.map((job) => job.remediation),
    remediation.id,
  );
  if (ends.length !== 1) return [`${ends.length} ends`];
  if ((end === 'created') !== (made === 1)) return [`${end} with ${made} Jobs`];
  const read = readOperarius(operarius, ALERTNAME, DEFAULTS);
  if (end !== 'deduplicated' || read === undefined) return [];
  return world.created.some((job) => covers(job, remediation, { operarius: read }))
    ? []
    : ['deduplicated, but no Job covers it'];
}

const count = <T>(values: readonly T[], value: T): number =>
  values.filter((one) => one === value).length;

const DEFAULTS = readSettings({
  REDIS_URL: 'redis://localhost',
  OPENFERO_CLUSTER: 'directory',
  OPENFERO_OPERARII_DIR: '.',
  OPENFERO_JOBS_DIR: '.',
}).policy;

interface Search {
  readonly runs: number;
  readonly policies: readonly Scenario['annotations'][];
  readonly without?: Without;
}

async function search({
  runs,
  policies,
  without,
}: Search): Promise<{ jobs: number; found: string[] }> {
  let jobs = 0;
  for (let seed = 1; seed <= runs; seed++) {
    const annotations = policies[seed % policies.length] ?? {};
    const run = await simulate({ seed, annotations, steps: STEPS, ...(without && { without }) });
    jobs += run.world.created.length;
    const found = faults(run);
    if (found.length > 0) return { jobs, found: [`seed ${seed}:`, ...found] };
  }
  return { jobs, found: [] };
}

describe('the protocol, through kills, pauses past the lock, cut replies, deletions and flapping', () => {
  const holds = async (
    t: TestContext,
    runs: number,
    policies: Search['policies'],
  ): Promise<void> => {
    const { jobs, found } = await search({ runs, policies });
    t.diagnostic(`${jobs} Jobs`);
    assert.deepEqual(found, []);
    assert.ok(jobs > 5 * runs, `only ${jobs} Jobs were made`);
  };
  it(`makes one Job per trouble within the cooldown, one per episode, and one end per remediation (${RUNS} runs)`, (t) =>
    holds(t, RUNS, POLICIES));

  const limitedRuns = Math.ceil(RUNS / 5);
  it(`makes no two Jobs that work on one target at once, and no more than max-runs in its time (${limitedRuns} runs)`, (t) =>
    holds(t, limitedRuns, LIMITED));

  const NEEDED: readonly (readonly [Without, Search['policies']])[] = [
    ['lock check', POLICIES],
    ['memory', POLICIES],
    ['order of the memory', POLICIES],
    ['comparison of keys', POLICIES],
    ['own Job', POLICIES],
    ['claim', POLICIES],
    ['cover', POLICIES],
    ['target', LIMITED],
    ['window', LIMITED],
    ['count of what Redis refused', POLICIES],
  ];
  for (const [without, policies] of NEEDED) {
    it(`needs the ${without}: without it this test goes red`, async () => {
      const { found } = await search({ runs: 2000, policies, without });
      assert.notDeepEqual(found, []);
    });
  }
});

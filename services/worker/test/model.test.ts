import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readOperarius } from '@openfero/core/operarius';
import { closerThanCooldown, covers } from '@openfero/testkit/coverage';
import { readSettings } from '../src/settings.ts';
import { ALERTNAME } from './model/alertmanager.ts';
import type { Entry } from './model/queue.ts';
import { type Run, type Scenario, simulate } from './model/simulate.ts';
import type { Without } from './model/world.ts';

const POLICIES: readonly Scenario['annotations'][] = [
  {},
  { 'openfero.io/cooldown': '0s' },
  { 'openfero.io/cooldown': '0s', 'openfero.io/repeat-after': '1m' },
  { 'openfero.io/dedup-by': 'group', 'openfero.io/cooldown': '1m' },
  { 'openfero.io/dedup-by': 'operarius', 'openfero.io/cooldown': '30s' },
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
    ...run.entries.flatMap((entry) => untrue(entry, run)),
  ];
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

async function search(runs: number, without?: Without): Promise<{ jobs: number; found: string[] }> {
  let jobs = 0;
  for (let seed = 1; seed <= runs; seed++) {
    const annotations = POLICIES[seed % POLICIES.length] ?? {};
    const run = await simulate({ seed, annotations, steps: STEPS, ...(without && { without }) });
    jobs += run.world.created.length;
    const found = faults(run);
    if (found.length > 0) return { jobs, found: [`seed ${seed}:`, ...found] };
  }
  return { jobs, found: [] };
}

describe('the protocol, through kills, pauses past the lock, cut replies, deletions and flapping', () => {
  it(`makes one Job per trouble within the cooldown, one per episode, and one end per remediation (${RUNS} runs)`, async () => {
    const { jobs, found } = await search(RUNS);
    assert.deepEqual(found, []);
    assert.ok(jobs > 5 * RUNS, `only ${jobs} Jobs were made`);
  });

  const NEEDED: readonly Without[] = [
    'lock check',
    'memory',
    'order of the memory',
    'comparison of keys',
    'own Job',
    'claim',
    'cover',
  ];
  for (const without of NEEDED) {
    it(`needs the ${without}: without it this test goes red`, async () => {
      const { found } = await search(2000, without);
      assert.notDeepEqual(found, []);
    });
  }
});

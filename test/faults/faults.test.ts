import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withoutControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { run } from './run.ts';
import { FAULTS } from './schedule.ts';
import { failures, tables } from './table.ts';

/** A selection; `npm run faults` has all of them. */
const SHORT: ReadonlySet<string> = new Set([
  'worker killed in a create',
  'worker paused past its lock',
  'receiver killed in a batch',
  'Redis killed, and back from its file',
  'API server killed',
  'API server cuts replies after the create',
  'worker–Redis: cut',
  'sender–receiver: a black hole',
  'a person retries all that failed',
]);

const SEED = 1;
const MS = 24_000;

describe('real processes under faults', await withoutControlPlane(), () => {
  it('lose no acknowledged alert and run none twice', { timeout: 300_000 }, async (t) => {
    const kinds = FAULTS.filter(({ name }) => SHORT.has(name));
    assert.equal(kinds.length, SHORT.size);
    const say = (text: string): void => t.diagnostic(text);
    const report = await run({ seed: SEED, kinds, faults: kinds.length, ms: MS, say });
    assert.deepEqual(failures(report), [], tables(report));
    assert.ok(report.evidence.sender.acknowledged.length > 50, 'alerts were sent');
  });
});

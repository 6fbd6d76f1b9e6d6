import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  encodeOperarius,
  type PublishedOperarius,
  readPublishedOperarius,
} from '../../src/redis/published.ts';

/** Texts of authors and of API servers: long, and in bytes longer still. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 50 }),
  fc.string({ unit: 'binary', maxLength: 3_000 }),
  fc.constant('\u0000'.repeat(5_000)),
);

const operarius: fc.Arbitrary<PublishedOperarius> = fc
  .record({
    problem: fc.option(text, { nil: undefined }),
    warnings: fc.array(text, { maxLength: 20 }),
    match: text,
  })
  .map(({ problem, warnings, match }) => ({
    v: 1,
    ...(problem !== undefined && { problem }),
    warnings,
    policy: { cooldown: '10m', match },
    mode: 'run',
    resourceVersion: '1',
    ...{ namespace: 'n'.repeat(63), jobNamespace: 'j'.repeat(63) },
    publisher: `${'p'.repeat(253)}/123`,
    at: 1,
  }));

describe('a published operarius', () => {
  test('takes 4 KiB at most, and can be read, whatever its author wrote', () => {
    fc.assert(
      fc.property(operarius, (given) => {
        const written = encodeOperarius(given);
        assert.ok(Buffer.byteLength(written) <= 4_096, `${Buffer.byteLength(written)} bytes`);
        const read = readPublishedOperarius(written) ?? assert.fail('unreadable');
        assert.equal(read.problem === undefined, given.problem === undefined);
        assert.ok(read.warnings.length <= given.warnings.length);
      }),
    );
  });

  test('is unchanged where it is usual', () => {
    const usual: PublishedOperarius = {
      ...{ v: 1, problem: 'ConfigMap jobs/x: annotation', warnings: ['one', 'two'] },
      ...{ policy: { cooldown: '10m' }, mode: 'off', resourceVersion: '7' },
      ...{ namespace: 'n', jobNamespace: 'j', publisher: 'worker/1', at: 5 },
    };
    assert.deepEqual(readPublishedOperarius(encodeOperarius(usual)), usual);
  });

  test('is not read where another has written it', () => {
    const good = encodeOperarius(fc.sample(operarius, { numRuns: 1, seed: 1 })[0] ?? assert.fail());
    const bad = [
      ...['', '{', 'null', '[]', '{"v":2}', `${good}${' '.repeat(5_000)}`],
      good.replace('"mode":"run"', '"mode":"maybe"'),
      good.replace('"at":1', '"at":-1'),
      good.replace('"cooldown":"10m"', '"cooldown":10'),
    ];
    for (const each of bad) assert.equal(readPublishedOperarius(each), undefined, each);
    assert.equal(readPublishedOperarius(undefined), undefined);
  });
});

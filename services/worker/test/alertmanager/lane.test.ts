import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { NoAnswer } from '../../src/alertmanager/client.ts';
import { createLane } from '../../src/alertmanager/lane.ts';

interface Sent {
  readonly questions: readonly string[];
  readonly startedAt: number;
}

it('one request at a time, each question answered by a request that started after it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ name: fc.constantFrom('a', 'b', 'c'), wait: fc.nat(2) }), {
        minLength: 1,
        maxLength: 20,
      }),
      async (asked) => {
        let clock = 0;
        let inFlight = 0;
        const ask = createLane<string, Sent>(
          (question) => question,
          async (questions) => {
            const startedAt = clock++;
            assert.equal(++inFlight, 1);
            await setImmediate();
            inFlight--;
            return { questions, startedAt };
          },
        );
        const answers = [];
        for (const { name, wait } of asked) {
          for (let turn = 0; turn < wait; turn++) await setImmediate();
          const askedAt = clock;
          answers.push(ask(name).then((sent) => ({ name, askedAt, ...sent })));
        }
        for (const { name, askedAt, questions, startedAt } of await Promise.all(answers)) {
          assert.ok(questions.every((question) => question === name));
          assert.ok(startedAt >= askedAt);
        }
      },
    ),
    { numRuns: 50 },
  );
});

it('what waits is refused with the request that got no answer, and later questions are sent', async () => {
  const sent: string[] = [];
  const ask = createLane<string, string>(
    (question) => question,
    async ([question = '']) => {
      sent.push(question);
      await setImmediate();
      if (sent.length === 1) throw new NoAnswer('refused', true);
      return question;
    },
  );
  const first = ['a', 'b', 'c'].map((question) => ask(question));
  const results = await Promise.allSettled(first);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected'],
  );
  assert.deepEqual(sent, ['a']);
  assert.equal(await ask('d'), 'd');
});

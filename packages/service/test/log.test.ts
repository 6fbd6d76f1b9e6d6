import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';

const LOG = new URL('../src/log.ts', import.meta.url).href;

/** Lines that a process of its own has written by its end. */
function linesOf(program: string): string[] {
  const start = `const { createLogger } = await import('${LOG}'); const log = createLogger('info', 'test');`;
  const args = ['--input-type=module', '--eval', `${start} ${program}`];
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return stdout.split('\n').slice(0, -1);
}

const MANY = 'for (let number = 0; number < 10000; number++) log.info({ number }, "line");';

describe('the log', () => {
  const ends = {
    'ends by itself': '',
    'is ended by process.exit': 'process.exit(1);',
    'ends by an error that nobody caught': 'throw new Error("a defect");',
  };
  for (const [how, end] of Object.entries(ends)) {
    it(`holds every line of a process that ${how}`, () => {
      const lines = linesOf(MANY + end);

      assert.equal(lines.length, 10_000);
      assert.deepEqual(
        lines.map((line) => JSON.parse(line).number),
        lines.map((_, index) => index),
      );
    });
  }

  it('goes on while nothing is at an end', () => {
    const [first] = linesOf(
      'log.info("now"); setTimeout(() => process.kill(process.pid, 9), 500);',
    );

    assert.match(first ?? '', /"msg":"now"/);
  });
});

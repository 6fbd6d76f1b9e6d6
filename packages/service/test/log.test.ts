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

  it('has no character that a terminal obeys, and the same text for programs', () => {
    const hostile =
      '\u001b[31m\u0000\u009b31m\u0085\u007f\u202eevil\u2066\u2069\u200f\u061c\u2028\u2029 ä 😀';
    const [line = ''] = linesOf(`log.warn({ alertname: ${JSON.stringify(hostile)} }, 'm');`);

    assert.doesNotMatch(line, /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u);
    assert.match(line, /31m\\u0085\\u007f\\u202eevil.* ä 😀/);
    assert.equal(JSON.parse(line).alertname, hostile);
  });

  it('goes on while nothing is at an end', () => {
    const [first] = linesOf(
      'log.info("now"); setTimeout(() => process.kill(process.pid, 9), 500);',
    );

    assert.match(first ?? '', /"msg":"now"/);
  });
});

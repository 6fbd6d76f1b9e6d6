import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DefinitionChange } from '../../src/history/changes.ts';
import { versionOf } from '../../src/history/version.ts';

/** The latest first. `a>b` at the minute of its place; `>a` where none was known before, `a>` where it is gone. */
function changes(...texts: readonly string[]): readonly DefinitionChange[] {
  return texts
    .map((text, at): DefinitionChange => {
      const [before = '', definition = ''] = text.split('>');
      return {
        ...{ kind: 'definition', operarius: 'op', at, entry: `${at}-0` },
        ...(before !== '' && { before }),
        ...(definition !== '' && { definition }),
      };
    })
    .reverse();
}

function told(all: readonly DefinitionChange[], definition: string, at: number): string {
  const { began, next, more } = versionOf(all, definition, at);
  return `${began?.at} ${next?.at} ${more}`;
}

describe('the version of an operarius that decided something', () => {
  test('began with the last change to it before that, and ended with the next', () => {
    const all = changes('>a', 'a>b', 'b>a', 'a>c', 'c>');
    assert.equal(told(all, 'a', 0.5), '0 1 3');
    assert.equal(told(all, 'b', 1.5), '1 2 2');
    assert.equal(told(all, 'a', 2.5), '2 3 1');
    assert.equal(told(all, 'c', 9), '3 4 0');
  });

  test('may have decided before its change was checked and written', () => {
    assert.equal(told(changes('>a', 'a>b'), 'b', 0.9), '1 undefined 0');
  });

  test('is in force as long as only its check says something else', () => {
    assert.equal(told(changes('>a', 'a>a'), 'a', 2), '0 undefined 0');
  });

  test('that began before the history says so is told with what came after it', () => {
    assert.equal(told(changes('b>a', 'a>b', 'b>c'), 'b', -1), 'undefined 0 2');
    assert.equal(told(changes('a>b', 'b>c'), 'a', -1), 'undefined 0 1');
    assert.equal(told(changes('a>b'), 'x', 5), 'undefined undefined 0');
    assert.equal(told([], 'a', 1), 'undefined undefined 0');
  });
});

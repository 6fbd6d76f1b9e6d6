import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import {
  formatMatchers,
  InvalidMatchers,
  matchesAll,
  parseMatchers,
} from '../../src/matchers/matchers.ts';
import { programSize } from '../../src/matchers/program-size.ts';

/** Name, operator and value of each. */
function parsed(text: string): string[][] {
  return parseMatchers(text).map(({ name, operator, value }) => [name, operator, value]);
}

/** 0 where RE2 refuses it: its own repetitions within repetitions have a limit. */
function compiledSize(pattern: string): number {
  try {
    return RE2JS.compile(pattern).programSize();
  } catch {
    return 0;
  }
}

function matches(text: string, value: string): boolean {
  return matchesAll(parseMatchers(text), { a: value });
}

function refusal(text: string): string {
  try {
    parseMatchers(text);
  } catch (error) {
    assert.ok(error instanceof InvalidMatchers);
    return error.message;
  }
  assert.fail(`was not refused: ${text}`);
}

describe('matchers', () => {
  it('are written as they are read, whatever their names and values', () => {
    assert.equal(formatMatchers(parseMatchers('a=b, "c d"!~"x.*"')), '{a="b","c d"!~"x.*"}');
    const text = fc.string({ unit: 'grapheme' });
    const pair = fc.tuple(text.filter(Boolean), fc.constantFrom('=', '!='), text);
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 5 }), (pairs) => {
        const given = pairs.map(([name, operator, value]) => {
          return `${JSON.stringify(name)}${operator}${JSON.stringify(value)}`;
        });
        const written = formatMatchers(parseMatchers(given.join()));
        assert.deepEqual(parsed(written), pairs);
      }),
    );
  });

  it('are separated by commas, with or without braces; a trailing comma is allowed', () => {
    const two = [
      ['cluster', '=', 'prod-eu'],
      ['namespace', '!~', 'kube-.*'],
    ];
    assert.deepEqual(parsed('{cluster="prod-eu",namespace!~"kube-.*"}'), two);
    assert.deepEqual(parsed('cluster="prod-eu",namespace!~"kube-.*"'), two);
    assert.deepEqual(parsed(' { cluster = "prod-eu" , namespace !~ "kube-.*" , } '), two);
    assert.deepEqual(parsed('cluster="prod-eu",namespace!~"kube-.*",'), two);
  });

  it('match every alert if there are none', () => {
    for (const text of ['', ' ', '{}', '{ }']) {
      assert.deepEqual(parsed(text), []);
      assert.equal(matchesAll(parseMatchers(text), { anything: 'at all' }), true);
    }
  });

  it('have names and values in quotes, or without if they contain no special character', () => {
    assert.deepEqual(parsed('{"foo bar"=a.b-c:1/2}'), [['foo bar', '=', 'a.b-c:1/2']]);
    assert.deepEqual(parsed('zürich=ja'), [['zürich', '=', 'ja']]);
    assert.deepEqual(parsed('{a="x,y}",b=""}'), [
      ['a', '=', 'x,y}'],
      ['b', '=', ''],
    ]);
  });

  it("have the escapes of a Go string, as Alertmanager's have", () => {
    assert.deepEqual(parsed(String.raw`a="\"\\\n\t\x41\101\u00e9\U0001F600\xc3\xa9"`), [
      ['a', '=', '"\\\n\tAAé😀é'],
    ]);
  });

  it('compare the whole value, regular expressions too', () => {
    assert.equal(matches('a=x', 'x'), true);
    assert.equal(matches('a=x', 'xx'), false);
    assert.equal(matches('a!=x', 'xx'), true);
    assert.equal(matches('a!=x', 'x'), false);
    assert.equal(matches('a=~"kube-.*"', 'kube-system'), true);
    assert.equal(matches('a=~"kube"', 'kube-system'), false);
    assert.equal(matches('a=~"x|yy"', 'yy'), true);
    assert.equal(matches('a=~"x|yy"', 'xyy'), false);
    assert.equal(matches('a!~"kube-.*"', 'kube-system'), false);
    assert.equal(matches('a!~"kube-.*"', 'default'), true);
    assert.equal(matches('a=~"(?i)prod"', 'PROD'), true);
    assert.equal(matches('a=~"x.y"', 'x\ny'), false);
    assert.equal(matches('a=~"x"', 'x\n'), false);
  });

  it('must all match', () => {
    const both = parseMatchers('{a="1",b="2"}');
    assert.equal(matchesAll(both, { a: '1', b: '2' }), true);
    assert.equal(matchesAll(both, { a: '1', b: '3' }), false);
  });

  it('treat an absent label as empty', () => {
    assert.equal(matchesAll(parseMatchers('b=""'), {}), true);
    assert.equal(matchesAll(parseMatchers('b!=""'), {}), false);
    assert.equal(matchesAll(parseMatchers('b=~".*"'), {}), true);
    assert.equal(matchesAll(parseMatchers('b=~".+"'), {}), false);
  });

  it('accept any label name', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const present = Object.fromEntries([[name, 'x']]);
      assert.equal(matchesAll(parseMatchers(`${name}=""`), {}), true, name);
      assert.equal(matchesAll(parseMatchers(`${name}="x"`), present), true, name);
    }
  });

  it('evaluate expensive regular expressions without delay', () => {
    assert.equal(matches('a=~"(a+)+b"', 'a'.repeat(20_000)), false);
  });
});

describe('matchers that are refused', () => {
  it('are reported with reason and position', () => {
    const expected: [string, string][] = [
      ['a', 'expected one of = != =~ !~ at character 2, found the end'],
      ['a=', 'expected a value (in quotes where it is empty) at character 3, found the end'],
      ['{a=b', 'expected a comma or } at character 5, found the end'],
      ['a=b}', 'expected a comma at character 4, found }'],
      ['{a=b}c', 'expected nothing more at character 6, found c'],
      ['{,}', 'expected a label name at character 2, found ,'],
      ['a=b c=d', 'expected a comma at character 5, found c'],
      ['a=b,,', 'expected a label name at character 5, found ,'],
      ['a=="b"', 'expected a value (in quotes where it is empty) at character 3, found ='],
      ['a="b', 'the quote at character 3 is not closed'],
      ["a='b'", "' at character 3 must be in double quotes"],
      ['a!b', 'expected != or !~ at character 2'],
      ['""=a', 'empty label name at character 1'],
      [
        String.raw`a="\d"`,
        String.raw`unknown escape \d at character 4: a backslash itself is written \\`,
      ],
      [String.raw`a="\xff"`, 'the text at character 3 is not valid UTF-8'],
      ['a "x\ny"', 'expected one of = != =~ !~ at character 3, found "x y"'],
      ['a="x\ny"', 'line break at character 5: write \\n'],
    ];
    for (const [text, message] of expected) assert.equal(refusal(text), message);
  });

  it('contain regular expressions that RE2 does not support', () => {
    assert.match(
      refusal('a=~"(x"'),
      /^the regular expression at character 4 is not valid in RE2: /,
    );
    assert.match(refusal('a=~"(?=x)"'), /RE2/);
    assert.match(refusal('a=~"(?<!x)y"'), /RE2/);
    assert.match(refusal(String.raw`a=~"(x)\\1"`), /RE2/);
    assert.match(refusal('a=~"x{1001}"'), /RE2/);
    assert.match(refusal(`a=~"${'x'.repeat(5_000)}"`), /is longer than 4096 characters/);
  });

  it('contain more than a worker can keep', () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => `a${i}="x"`).join();
    assert.equal(parseMatchers(many(100)).length, 100);
    assert.equal(refusal(many(101)), 'there are more than 100 matchers');

    const long = (count: number) =>
      Array.from({ length: count }, () => `a=~"${'x'.repeat(4_000)}"`);
    assert.equal(parseMatchers(long(2).join()).length, 2);
    assert.match(refusal(long(3).join()), /up to character 8016 are too large, .* 8192 characters/);
  });

  it('repeat what would take seconds to compile', () => {
    const patterns = [
      ...['a{1000}'.repeat(9), '(?:a?){1000}'.repeat(300), String.raw`\\pL{1000}`.repeat(400)],
      ...['((((abc){10}){10}){10}){9}', String.raw`(?:${'a'.repeat(900)}\\Q)\\E){10}`],
      ...['(?i:k{1000}){9}', '[^)(]{1000}'.repeat(9), String.raw`\\x{41}{1000}`.repeat(9)],
    ];
    const since = performance.now();
    for (const pattern of patterns) assert.match(refusal(`a=~"${pattern}"`), /are too large/);
    assert.ok(performance.now() - since < 1_000);
    const name = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
    assert.equal(
      parseMatchers(`a=~"${name}([.]${name}){0,9}"`)[0]?.matches('kube-system.svc'),
      true,
    );
  });

  it('are measured before they are compiled, however they repeat', () => {
    const atom = fc.constantFrom(
      'a',
      '.',
      String.raw`\d`,
      '[)(]',
      String.raw`\Q(\E`,
      String.raw`\pL`,
      'é',
    );
    const times = fc.constantFrom('', '*', '+', '?', '{2}', '{0,3}', '{4,}', '{9}');
    const { pattern } = fc.letrec<{ pattern: string; part: string }>((tie) => ({
      pattern: fc
        .array(fc.tuple(tie('part'), times), { minLength: 1, maxLength: 4 })
        .map((parts) => parts.map((part) => part.join('')).join('')),
      part: fc.oneof(
        { maxDepth: 4 },
        atom,
        tie('pattern').map((inner) => `(?:${inner})`),
        fc.tuple(tie('pattern'), tie('pattern')).map((both) => `(${both.join('|')})`),
      ),
    }));
    fc.assert(
      fc.property(pattern, (text) => {
        const size = programSize(text);
        fc.pre(size < 20_000);
        // The start and the end are a few more, as is each branch.
        assert.ok(compiledSize(text) <= 2 * size + 16, `${text}: ${size}`);
      }),
      { numRuns: 500 },
    );
  });

  it('are tried on no endless value: it matches neither =~ nor !~', () => {
    const value = 'a'.repeat(8_192);
    for (const [text, yes] of [
      ['a=~"a*"', true],
      ['a!~"a*"', false],
      ['a!~"b*"', true],
    ] as const) {
      const matchers = parseMatchers(text);
      assert.equal(matchesAll(matchers, { a: value }), yes, text);
      assert.equal(matchesAll(matchers, { a: `${value}a` }), false, text);
    }
  });

  it('are always refused with one line', () => {
    const piece = fc.oneof(
      fc.constantFrom('{', '}', ',', '=', '!=', '=~', '!~', '"', '\\', 'a', '"x"', '"("', '[', ')'),
      fc.string({ unit: 'binary', maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        try {
          parseMatchers(pieces.join(''));
        } catch (error) {
          assert.ok(error instanceof InvalidMatchers, String(error));
          assert.doesNotMatch(error.message, /[\n\r\u0085\u2028\u2029]/);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

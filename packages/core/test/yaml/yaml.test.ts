import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { InvalidYaml, parseManifest, parseManifests } from '../../src/yaml/yaml.ts';

interface Row {
  yaml: string;
  json?: unknown;
  /** kubectl refuses it: what it says. */
  error?: string;
  /** kubectl takes it, we do not: why. */
  refused?: string;
}

// Written by yaml-table.go, which asks kubectl's own decoder.
const table: Row[] = JSON.parse(
  readFileSync(new URL('./yaml-table.json', import.meta.url), 'utf8'),
);

describe('YAML that kubectl reads', () => {
  for (const { yaml, json, error, refused } of table) {
    if (error !== undefined || refused !== undefined) continue;
    it(`means the same here: ${JSON.stringify(yaml)}`, () => {
      assert.deepEqual(parseManifest(yaml), json);
    });
  }
});

describe('YAML that is refused', () => {
  for (const { yaml, error, refused } of table) {
    if (error === undefined && refused === undefined) continue;
    it(`${refused ?? 'by kubectl too'}: ${JSON.stringify(yaml)}`, () => {
      assert.throws(() => parseManifest(yaml), InvalidYaml);
    });
  }
});

function refusal(text: string): string {
  try {
    parseManifest(text);
  } catch (error) {
    assert.ok(error instanceof InvalidYaml);
    return error.message;
  }
  assert.fail('was not refused');
}

describe('a refusal', () => {
  it('is one line that begins with the line of the text', () => {
    assert.equal(refusal('a: 1\nb:\n  c: 1\n  c: 2\n'), 'line 4: the key c is there twice');
    assert.match(refusal('a: 1\nb: {\n'), /^line 3: [^\n]+$/);
    assert.match(refusal('a: 1\n\n\nb: !Ref c\n'), /^line 4: the tag !Ref .* remove it$/);
    assert.match(refusal('a: 1\nb: *c'), /^line 2: there is no anchor &c before \*c$/);
    assert.match(refusal('a: 1\nb: 9007199254740993'), /^line 2: 9007199254740993 is beyond 2\^53/);
    assert.match(refusal('a: 1\n---\nb: 1'), /more than one YAML document/);
  });

  it('meets a text longer than the manifest of a Job can be', () => {
    assert.equal(parseManifest(`a: ${'x'.repeat(512 * 1024 - 3)}`) !== null, true);
    assert.match(refusal(`a: ${'x'.repeat(512 * 1024)}`), /longer than 524288 char/);
  });

  it('prevents aliases of aliases from filling the memory', () => {
    const level = (i: number) =>
      `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(', ')}]\n`;
    const laughs = `a0: &a0 lol\n${Array.from({ length: 30 }, (_, i) => level(i + 1)).join('')}`;
    assert.match(refusal(laughs), /too large once its aliases are expanded/);
    const long = `a: &a ${'x'.repeat(500_000)}\nb: [${Array(100).fill('*a').join(', ')}]`;
    assert.match(refusal(long), /too large once its aliases are expanded/);
  });

  it('prevents merges of merges from taking forever', () => {
    const level = (i: number) =>
      `a${i}: &a${i} {<<: [${Array(9)
        .fill(`*a${i - 1}`)
        .join(', ')}]}\n`;
    const laughs = `a0: &a0 {x: 1}\n${Array.from({ length: 30 }, (_, i) => level(i + 1)).join('')}`;
    assert.match(refusal(laughs), /too large once its aliases are expanded/);
  });

  it('prevents too deep nesting, also through aliases', () => {
    assert.match(refusal('['.repeat(200) + ']'.repeat(200)), /maxDepth/);
    const level = (i: number) => `a${i}: &a${i} ${'['.repeat(50)}*a${i - 1}${']'.repeat(50)}\n`;
    assert.match(refusal(`a0: &a0 x\n${level(1)}${level(2)}${level(3)}`), /nested deeper than 100/);
    const merged = (i: number) => `a${i}: &a${i} {<<: *a${i - 1}}\n`;
    const chain = Array.from({ length: 5_000 }, (_, i) => merged(i + 1)).join('');
    assert.match(refusal(`a0: &a0 {x: 1}\n${chain}`), /nested deeper than 100/);
  });
});

describe('what was read', () => {
  it('shares no object between an anchor and its aliases', () => {
    const value = parseManifest('a: &x {b: [1]}\nc: *x');
    assert.ok(value !== null && typeof value === 'object' && !Array.isArray(value));
    assert.deepEqual(value['a'], value['c']);
    assert.notEqual(value['a'], value['c']);
  });

  it('has __proto__ as a key like any other', () => {
    const value = parseManifest('__proto__: {polluted: true}\na: 1');
    assert.deepEqual(Object.keys(value ?? {}), ['__proto__', 'a']);
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
  });

  it('never changes a prototype, whatever the text', () => {
    const word = fc.constantFrom('__proto__', 'constructor', 'prototype', '<<', '&a ', '*a', 'x');
    const sign = fc.constantFrom(': ', '\n', '  ', '- ', '{', '}', '[', ']', ', ', '? ', '"', '|');
    fc.assert(
      fc.property(fc.array(fc.oneof(word, sign), { maxLength: 24 }), (parts) => {
        const keys = Reflect.ownKeys(Object.prototype).length;
        let value: unknown;
        try {
          value = parseManifest(parts.join(''));
        } catch (error) {
          assert.ok(error instanceof InvalidYaml, String(error));
        }
        assert.equal(Reflect.ownKeys(Object.prototype).length, keys);
        if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
        assert.equal(Object.getPrototypeOf(value), Object.prototype);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is any JSON, written as JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value).replace(
          /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
          (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
        );
        const safe = !/\d{16}/.test(text) && text.isWellFormed() && !/\\ud[89a-f]/.test(text);
        fc.pre(safe);
        assert.deepEqual(parseManifest(text), JSON.parse(text));
      }),
    );
  });
});

describe('a file of several documents', () => {
  it('returns each of them except empty ones', () => {
    assert.deepEqual(parseManifests('---\na: 1\n---\n# nothing\n---\nb: 2\n---\n'), [
      { a: 1 },
      { b: 2 },
    ]);
    assert.deepEqual(parseManifests('# nothing'), []);
  });

  it('knows the anchors of each document in that document only', () => {
    assert.throws(() => parseManifests('a: &x 1\n---\nb: *x'), /no anchor &x/);
  });
});

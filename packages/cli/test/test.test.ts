import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseManifest } from '@openfero/core/yaml';
import { Compile } from 'typebox/compile';
import { openfero } from './openfero.ts';

const CASES = fileURLToPath(new URL('./cases/', import.meta.url));
const GOOD = `${CASES}disk.test.yaml`;

/** Runs a file of tests that has these lines in place of others. */
async function changed(from: string | RegExp, to: string, ...args: string[]) {
  const text = await readFile(GOOD, 'utf8');
  assert.ok(text.replace(from, to) !== text);
  const stdin = text.replace('[disk-*.yaml]', `[${CASES}disk-*.yaml]`).replace(from, to);
  return openfero(['test', ...args, '-'], { stdin });
}

describe('openfero test', () => {
  it('runs all tests of a folder, and says which succeed', async () => {
    const { out, err, code } = await openfero(['test', CASES]);
    assert.equal(code, 0, out);
    assert.match(out, /^ok {4}.*disk\.test\.yaml: a full disk is cleaned once/);
    assert.equal(err, '3 tests, 0 failed');
  });

  const failing: readonly (readonly [what: string, from: string | RegExp, to: string, RegExp])[] = [
    [
      'another outcome',
      'outcome: deduplicated',
      'outcome: created',
      /<stdin>:16: expected created, got deduplicated \(this episode already has a Job\)/,
    ],
    ['another reason', 'already has a Job }', 'x }', /<stdin>:16: expected a reason with "x"/],
    [
      'another operarius',
      'operarius: openfero-disk-firing',
      'operarius: x',
      /<stdin>:12: expected operarius x/,
    ],
    [
      'another variable',
      'OPENFERO_NODE: a,',
      'OPENFERO_NODE: b,',
      /container clean: expected OPENFERO_NODE=b, got a/,
    ],
    [
      'another part of the Job',
      'backoffLimit: 2',
      'backoffLimit: 3',
      /job\.spec\.backoffLimit: expected 3, got 2/,
    ],
    [
      'another limit',
      'held: max-active }',
      'held: cooldown }',
      /expected held cooldown, got max-active/,
    ],
    [
      'an alert more',
      '          - outcome: no-operarius\n',
      '',
      /<stdin>:28: expected no more, got no-operarius/,
    ],
    [
      'an alert less',
      '[{ outcome: superseded }]',
      '[{ outcome: superseded }, { outcome: "off" }]',
      /expected off, got nothing/,
    ],
  ];
  for (const [what, from, to, expected] of failing) {
    it(`fails on ${what}, and says where`, async () => {
      const { out, code } = await changed(from, to);
      assert.match(out, expected);
      assert.match(out, /^FAIL {2}<stdin>: /m);
      assert.equal(code, 1);
    });
  }

  const wrong: readonly (readonly [what: string, from: string, to: string, RegExp])[] = [
    [
      'an unknown key',
      'again: true',
      'agan: true',
      /<stdin>:16: tests\[0\]\.steps\[1\]\.agan is not known/,
    ],
    [
      'an unknown outcome',
      'outcome: deduplicated',
      'outcome: off',
      /<stdin>:16: tests\[0\]\.steps\[1\]\.expect\[0\]\.outcome is none of .* off in quotes/,
    ],
    ['no duration', 'after: 1m', 'after: soon', /<stdin>:16: after is soon: write a duration/],
    [
      'nothing to repeat',
      '      - notify:\n',
      '      - again: true\n      - notify:\n',
      /<stdin>:7: again repeats/,
    ],
    [
      'a wrong setting',
      'OPENFERO_MAX_AGE: 1h',
      'OPENFERO_MAX_AGE: x',
      /OPENFERO_MAX_AGE: "x" is wrong/,
    ],
    ['no YAML', 'tests:\n', 'tests: [\n', /<stdin>:\d+: /],
  ];
  for (const [what, from, to, expected] of wrong) {
    it(`exits with 2 on ${what}`, async () => {
      const { err, code } = await changed(from, to);
      assert.match(err, expected);
      assert.equal(code, 2);
    });
  }

  it('says where there is no operarius, and where there are no tests', async () => {
    const none = await openfero(['test', '-'], {
      stdin: `operarii: [${GOOD}]\ntests: [{name: x, steps: [{after: 1m}]}]\n`,
    });
    assert.match(none.err, /<stdin>: there is no operarius in /);
    const { err, code } = await openfero(['test', `${CASES}disk-firing.yaml`]);
    assert.match(err, /no file of tests in /);
    assert.equal(code, 2);
  });

  it('prints JSON, JUnit and workflow commands of GitHub', async () => {
    const from = 'outcome: deduplicated';
    const [first] = JSON.parse((await changed(from, 'outcome: dry-run', '-o', 'json')).out);
    assert.equal(first.ok, false);
    assert.equal(first.failures[0].line, 16);
    const junit = await changed(from, 'outcome: dry-run', '-o', 'junit');
    assert.match(junit.out, /<testsuite name="openfero test" tests="3" failures="1">/);
    const github = await changed(from, 'outcome: dry-run', '-o', 'github');
    assert.match(github.out, /^::error file=<stdin>,line=16,title=openfero test%3A a full disk/);
  });

  it('has a schema, which its files keep', async () => {
    const { out } = await openfero(['schema', 'test']);
    const schema = Compile(JSON.parse(out));
    const file = parseManifest(await readFile(GOOD, 'utf8'));
    assert.deepEqual(schema.Errors(file), []);
    assert.equal(
      schema.Check({ operarii: ['x'], tests: [{ name: 'x', steps: [{ agan: true }] }] }),
      false,
    );
  });
});

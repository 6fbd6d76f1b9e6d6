import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseManifest } from '@openfero/core/yaml';
import { Compile } from 'typebox/compile';
import { openfero } from './openfero.ts';

const CASES = fileURLToPath(new URL('./cases/', import.meta.url));
const DEFINITION = ['-f', `${CASES}disk-firing.yaml`];
const DISK = ['-l', 'alertname=Disk', '-l', 'node=a'];

describe('openfero explain', () => {
  it('walks all steps to the Job', async () => {
    const { out, code } = await openfero(['explain', ...DISK, ...DEFINITION]);
    const names = [...out.matchAll(/^ {2}\+ (\w+(?: \w+)?) {2,}/gm)].map(([, name]) =>
      name?.trim(),
    );
    const first = ['operarius', 'mode', 'own job', 'match', 'age', 'episode', 'stopped', 'repeats'];
    assert.deepEqual(names, [...first, 'manifest', 'limits', 'job']);
    assert.match(out, /^firing \{alertname="Disk", node="a"\}\n/);
    assert.match(out, / = created$/);
    assert.equal(code, 0);
  });

  it('ends with the step that decides, and exits with 1 where nothing would run', async () => {
    const cases: readonly (readonly [string[], RegExp])[] = [
      [['-l', 'alertname=Disk', '-l', 'node=test-1'], /x match {5}.*\n {2}= not-matched$/],
      [
        ['-l', 'alertname=Other'],
        /x operarius {2}no ConfigMap openfero-other-firing.*\n {2}= no-operarius$/,
      ],
      [[...DISK, '--resolved'], /x operarius {2}no ConfigMap openfero-disk-resolved/],
    ];
    for (const [args, expected] of cases) {
      const { out, code } = await openfero(['explain', ...args, ...DEFINITION]);
      assert.match(out, expected);
      assert.equal(code, 1);
    }
    const env = { OPENFERO_MODE: 'off' };
    const { out } = await openfero(['explain', ...DISK, ...DEFINITION], { env });
    assert.match(out, /x mode {6} OPENFERO_MODE is off\n {2}= off$/);
  });

  it('takes an alert, a list of alerts and a notification as JSON', async () => {
    const alert = { labels: { alertname: 'Disk', node: 'a' } };
    for (const body of [alert, [alert], { version: '4', status: 'firing', alerts: [alert] }]) {
      const { code } = await openfero(['explain', '-', ...DEFINITION], {
        stdin: JSON.stringify(body),
      });
      assert.equal(code, 0, JSON.stringify(body));
    }
    const nameless = await openfero(['explain', '-', ...DEFINITION], { stdin: '{"labels":{}}' });
    assert.match(nameless.out, /the receiver rejects the alert: no-alertname/);
    assert.equal(nameless.code, 1);
  });

  it('says what it needs', async () => {
    const cases: readonly (readonly [string[], string, RegExp])[] = [
      [[...DEFINITION], '', /which alert\? Give its labels/],
      [['x.json', ...DISK, ...DEFINITION], '', /leave one out/],
      [['-', ...DEFINITION], '{', /^openfero: - is not JSON/],
      [['missing.json', ...DEFINITION], '', /cannot read missing\.json/],
      [['-l', 'alertname', ...DEFINITION], '', /-l alertname: write name=value/],
      [['-', ...DEFINITION], '{"alerts":[]}', /not an Alertmanager notification/],
    ];
    for (const [args, stdin, expected] of cases) {
      const { err, code } = await openfero(['explain', ...args], { stdin });
      assert.match(err, expected);
      assert.equal(code, 2);
    }
  });

  it('shows no text of an alert as another line', async () => {
    const { out } = await openfero([
      'explain',
      ...DISK,
      '-l',
      'x=\u001b[2J\n  = created',
      ...DEFINITION,
    ]);
    assert.equal(out.split('\n').length, 13);
    assert.ok(!out.includes('\u001b'));
  });

  it('prints JSON', async () => {
    const { out } = await openfero(['explain', '-o', 'json', ...DISK, ...DEFINITION]);
    const [decided] = JSON.parse(out);
    assert.equal(decided.outcome, 'created');
    assert.equal(decided.steps.at(-1).name, 'job');
  });
});

describe('openfero render', () => {
  it('prints the Job of the alert as YAML, and as JSON', async () => {
    const { out, code } = await openfero(['render', ...DISK, ...DEFINITION]);
    assert.equal(code, 0);
    const [job] = JSON.parse(
      (await openfero(['render', '-o', 'json', ...DISK, ...DEFINITION])).out,
    );
    assert.deepEqual(parseManifest(out), job);
    const [container] = job.spec.template.spec.containers;
    assert.ok(container.env.some((one: { value: string }) => one.value === 'a'));
  });

  it('says why there is none', async () => {
    const { out, err, code } = await openfero(['render', '-l', 'alertname=Other', ...DEFINITION]);
    assert.equal(out, '');
    assert.match(err, /^no Job, no-operarius: no ConfigMap openfero-other-firing/);
    assert.equal(code, 1);
  });
});

describe('openfero schema', () => {
  it('of an operarius takes a right one, and refuses a wrong annotation', async () => {
    const schema = Compile(JSON.parse((await openfero(['schema', 'operarius'])).out));
    const text = await readFile(`${CASES}disk-firing.yaml`, 'utf8');
    assert.deepEqual(schema.Errors(parseManifest(text)), []);
    for (const wrong of ['repeat-after: soon', 'repeat: 5m', 'repeat-after: 5min']) {
      const changed = parseManifest(text.replace('repeat-after: 5m', wrong));
      assert.equal(schema.Check(changed), false, wrong);
    }
  });

  it('of a Job refuses an unknown field', async () => {
    const schema = Compile(JSON.parse((await openfero(['schema', 'job'])).out));
    const [job] = JSON.parse(
      (await openfero(['render', '-o', 'json', ...DISK, ...DEFINITION])).out,
    );
    assert.deepEqual(schema.Errors(job), []);
    assert.equal(schema.Check({ ...job, spec: { ...job.spec, paralelism: 1 } }), false);
  });
});

import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openfero } from './openfero.ts';

const HERE = fileURLToPath(new URL('./', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const BAD = join(HERE, 'lint/policy/bad.yaml');
const WARNED = join(HERE, 'lint/unquoted/bad.yaml');
const GOOD = join(HERE, 'lint/policy/good.yaml');

describe('openfero lint of manifests as people write them', () => {
  it('finds what is wrong, and nothing else', async () => {
    const { out, code } = await openfero(['lint', join(HERE, 'manifests')]);
    const expected = await readFile(join(HERE, 'manifests.txt'), 'utf8');
    assert.equal(`${out.replaceAll(join(HERE, 'manifests/'), '')}\n`, expected);
    assert.equal(code, 1);
  });

  it('finds nothing wrong with what OpenFero ships', async () => {
    const { out, err, code } = await openfero(['lint', join(ROOT, 'deploy')]);
    assert.deepEqual({ out, code }, { out: '', code: 0 });
    assert.match(err, /templates is skipped: .*helm template/);
    assert.match(err, /^[1-9]\d* operari/m);
  });
});

describe('openfero lint', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openfero-lint-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('exits with 0 if nothing is wrong, with 1 on errors, with 2 if it cannot be checked', async () => {
    assert.equal((await openfero(['lint', GOOD])).code, 0);
    assert.equal((await openfero(['lint', BAD])).code, 1);
    const missing = await openfero(['lint', join(folder, 'missing.yaml')]);
    assert.equal(missing.code, 2);
    assert.match(missing.err, /^openfero: there is no file .*missing\.yaml$/);
    assert.equal((await openfero(['lint', '--wrong'])).code, 2);
    assert.equal((await openfero(['lint', '--help'])).code, 0);
  });

  it('takes warnings for errors if it is strict', async () => {
    assert.equal((await openfero(['lint', WARNED])).code, 0);
    assert.equal((await openfero(['lint', '--strict', WARNED])).code, 1);
  });

  it('reads standard input, and globs', async () => {
    const stdin = await openfero(['lint', '-'], { stdin: await readFile(BAD, 'utf8') });
    assert.match(stdin.out, /^<stdin>:8: error policy: /);
    const glob = await openfero(['lint', join(HERE, 'lint/po*/**/ba?.yaml')]);
    assert.match(glob.out, /^[^\n]*lint\/policy\/bad\.yaml:8: error policy: [^\n]*$/);
    assert.equal((await openfero(['lint', join(HERE, 'lint/*.none')])).code, 2);
  });

  it('finds a ConfigMap that stands in two files', async () => {
    await cp(GOOD, join(folder, 'a.yaml'));
    await cp(GOOD, join(folder, 'b.yaml'));
    const { out } = await openfero(['lint', folder]);
    assert.match(
      out,
      /b\.yaml:4: error twice: .* is defined in .*a\.yaml:4 too: keep one of them$/,
    );
  });

  it('finds two ConfigMaps that name the same alert', async () => {
    const text = await readFile(GOOD, 'utf8');
    const named = (name: string): string =>
      text
        .replace('openfero-disk-firing', `${name}-firing`)
        .replace('annotations:', 'annotations:\n    openfero.io/alertname: Disk');
    const { out } = await openfero(['lint', '-'], { stdin: `${named('a')}---\n${named('b')}` });
    assert.match(out, /:7: error twice: several ConfigMaps name firing alerts "Disk"/);
  });

  it('is silenced by a comment above the line that names the id and the reason', async () => {
    const lines = (await readFile(BAD, 'utf8')).split('\n');
    const commented = (comment: string): string =>
      lines.toSpliced(7, 0, `    ${comment}`).join('\n');
    const lint = (comment: string) => openfero(['lint', '-'], { stdin: commented(comment) });
    assert.equal((await lint('# openfero-lint-ignore policy: tested elsewhere')).out, '');
    for (const other of [
      '# openfero-lint-ignore policy',
      '# openfero-lint-ignore matcher: x',
      '#',
    ]) {
      assert.match((await lint(other)).out, /:9: error policy/, other);
    }
  });

  it('reads the settings of the worker from a file', async () => {
    const env = join(folder, 'worker.env');
    await writeFile(env, 'OPENFERO_LABEL_SELECTOR=team=a\n');
    const { out } = await openfero(['lint', '--env-file', env, GOOD]);
    assert.match(out, /error label: .*team=a/);
    await writeFile(env, 'OPENFERO_COOLDOWN=soon\n');
    const wrong = await openfero(['lint', '--env-file', env, GOOD]);
    assert.match(wrong.err, /OPENFERO_COOLDOWN: "soon" is wrong/);
    assert.equal(wrong.code, 2);
  });

  it('says which rules are no rules', async () => {
    const { err, code } = await openfero(['lint', '--rules', GOOD, GOOD]);
    assert.match(err, /good\.yaml has no groups of rules/);
    assert.equal(code, 2);
  });

  it('skips the templates of a chart, and says how to check them', async () => {
    const chart = join(folder, 'chart');
    await mkdir(join(chart, 'templates'), { recursive: true });
    await writeFile(join(chart, 'Chart.yaml'), 'name: x\n');
    await writeFile(join(chart, 'templates/x.yaml'), 'kind: ConfigMap # openfero\n{{ if }}\n');
    const { code, err } = await openfero(['lint', chart]);
    assert.equal(code, 0);
    assert.match(err, /helm template .*chart \| openfero lint -/);
  });

  it('prints JSON', async () => {
    const { out } = await openfero(['lint', '-o', 'json', BAD]);
    const [finding] = JSON.parse(out);
    assert.deepEqual(
      { ...finding, file: '' },
      {
        file: '',
        line: 8,
        severity: 'error',
        id: 'policy',
        message: 'annotation openfero.io/cooldown is "5min"',
        fix: 'expected a duration such as 90s or 1h30m',
      },
    );
  });

  it('prints workflow commands of GitHub, and no text can end one', async () => {
    const stdin = (await readFile(BAD, 'utf8')).replace('5min', '"%0A::error::x"');
    const { out } = await openfero(['lint', '-o', 'github', '-'], { stdin });
    assert.match(
      out,
      /^::error file=<stdin>,line=8,title=openfero policy::annotation .* "%250A::error::x": [^\n]*$/,
    );
  });

  it('prints JUnit, and no text can end an element', async () => {
    const stdin = (await readFile(BAD, 'utf8')).replace('5min', "'</failure>\"&'");
    const { out } = await openfero(['lint', '-o', 'junit', '-'], { stdin });
    assert.match(out, /^<\?xml .*\n<testsuite name="openfero lint" tests="1" failures="1">/);
    assert.match(out, /message="annotation [^"]*&lt;\/failure&gt;\\&quot;&amp;&quot;: [^"]*"/);
  });
});

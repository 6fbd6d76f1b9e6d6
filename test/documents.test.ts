import assert from 'node:assert/strict';
import { access, glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FAILURES, OUTCOMES } from '@openfero/core/outcome';
import { SETTING_NAMES } from '@openfero/core/setting-names';
import { parseManifest } from '@openfero/core/yaml';
import { readSchema, schemaAt } from './chart/chart.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): Promise<string> => readFile(`${ROOT}/${path}`, 'utf8');

/** For people who install, run and extend OpenFero. */
const PAGES = [
  'docs/operating.md',
  'docs/operarii.md',
  'docs/migrating.md',
  'docs/redis.md',
  'docs/safety.md',
  'docs/monitoring.md',
  'docs/cli.md',
  'docs/how-it-works.md',
  'README.md',
  'deploy/operarii/README.md',
  'deploy/alertmanager/README.md',
  'deploy/kubernetes/README.md',
  'deploy/policies/README.md',
  'deploy/helm/openfero/README.md',
];

/** Not settings: what Jobs get, and what stands for them in the text. */
const OF_JOBS =
  /^OPENFERO_(META_|POD|NAMESPACE|CONTAINER|LABEL|(ALERTNAME|COUNT|JOB_NAME|NODE|RESOURCEQUOTA)$)/;

describe('the documentation', () => {
  for (const page of PAGES) {
    it(`${page} names only values that the chart has`, async () => {
      const values = parseManifest(await read('deploy/helm/openfero/values.yaml'));
      const schema = await readSchema();
      const components = Object.keys(Object(values)).join('|');
      const named = (await read(page)).matchAll(
        new RegExp(`\`((?:${components})(?:\\.\\w+)+)`, 'g'),
      );
      const unknown = [...named]
        .map(([, name = '']) => name)
        .filter((name) => schemaAt(schema, name.split('.')) === undefined);
      assert.deepEqual(unknown, []);
    });

    it(`${page} names only settings that a service has`, async () => {
      const named = (await read(page)).match(/\bOPENFERO_[A-Z_]+[A-Z]\b/g) ?? [];
      const isSetting = (name: string): boolean =>
        SETTING_NAMES.has(name) || SETTING_NAMES.has(name.replace(/_FILE$/, ''));
      const unknown = named.filter((name) => !OF_JOBS.test(name) && !isSetting(name));
      assert.deepEqual(unknown, []);
    });
  }

  it('names only files that exist', async () => {
    // A decision is about its time, and `dist` is built.
    const pages = (await everyPage()).filter((page) => !page.startsWith('docs/decisions/'));
    const wrong = pages.map(async (page) => {
      const named = (await read(page)).matchAll(
        /`((?:bench|demo|deploy|docs|packages|services|test)\/[\w./-]+)`/g,
      );
      const each = [...named].map(async ([, path = '']) =>
        (await exists(path)) ? [] : [`${page}: ${path}`],
      );
      return (await Promise.all(each)).flat();
    });
    assert.deepEqual((await Promise.all(wrong)).flat(), []);
  });

  it('links only to files and sections that exist', async () => {
    const pages = await everyPage();
    assert.ok(pages.includes('README.md') && pages.includes('docs/decisions/README.md'));
    const wrong = pages.map(async (page) => {
      const links = (await read(page)).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g);
      const each = [...links].map(async ([link, path = '', section]) =>
        (await leadsSomewhere(join(dirname(page), path), page, section))
          ? []
          : [`${page}: ${link}`],
      );
      return (await Promise.all(each)).flat();
    });
    assert.deepEqual((await Promise.all(wrong)).flat(), []);
  });
});

describe('the runbooks', () => {
  it('have a section for each alert about OpenFero, and for no other', async () => {
    const rules = await read('deploy/prometheus/openfero.rules.yml');
    const alerts = [...rules.matchAll(/^ +- alert: (\w+)$/gm)].map(([, name = '']) => name);
    const page = await read('docs/operating.md');
    const sections = [...page.matchAll(/^### (OpenFero\w+)$/gm)].map(([, name = '']) => name);
    assert.ok(alerts.length > 0);
    assert.deepEqual(sections.sort(), alerts.sort());
  });

  it('explain every outcome', async () => {
    const page = await read('docs/operating.md');
    for (const outcome of [...OUTCOMES, ...FAILURES])
      assert.ok(page.includes(`\`${outcome}\``), outcome);
    const [, section = ''] = page.split(/^### OpenFeroRemediationFailed$/m);
    for (const failure of FAILURES) assert.ok(section.includes(`| \`${failure}\``), failure);
  });

  it('say what it means, what to look at with commands to copy, and what to do', async () => {
    const page = await read('docs/operating.md');
    for (const section of page.split(/^### (?=OpenFero)/m).slice(1)) {
      const [name = ''] = section.split('\n');
      for (const part of ['**Meaning.**', '**Look at**', '**Do.**']) {
        assert.ok(section.includes(part), `${name}: ${part}`);
      }
    }
  });
});

/** The pages of the repository, below its root. */
async function everyPage(): Promise<readonly string[]> {
  const exclude = (name: string): boolean => name.endsWith('node_modules');
  return Array.fromAsync(glob('**/*.md', { cwd: ROOT, exclude }));
}

/** Whether a link on a page leads to a file, and to a section of it. */
async function leadsSomewhere(path: string, page: string, section?: string): Promise<boolean> {
  const target = path === dirname(page) ? page : path;
  if (section !== undefined)
    return sectionsOf(await read(target).catch(() => '')).includes(section);
  return exists(target);
}

function exists(path: string): Promise<boolean> {
  return access(`${ROOT}/${path}`).then(
    () => true,
    () => false,
  );
}

/** The anchors of the headings, as GitHub makes them. */
function sectionsOf(markdown: string): readonly string[] {
  const headings = markdown.match(/^#+ .+$/gm) ?? [];
  return headings.map((heading) =>
    heading
      .replace(/^#+ /, '')
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

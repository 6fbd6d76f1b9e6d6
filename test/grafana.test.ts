import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promtool, withoutPromtool } from '@openfero/testkit/promtool';

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: {
    readonly h: number;
    readonly w: number;
    readonly x: number;
    readonly y: number;
  };
  readonly targets?: readonly { readonly expr: string }[];
}

const FILE = new URL('../deploy/grafana/openfero.json', import.meta.url);
const { panels }: { panels: readonly Panel[] } = JSON.parse(await readFile(FILE, 'utf8'));

/** What Grafana puts into an expression. */
const VARIABLES = { $namespace: '.*', $__rate_interval: '5m', $__range: '24h' };

const filled = (expr: string): string =>
  Object.entries(VARIABLES).reduce((text, [name, value]) => text.replaceAll(name, value), expr);

describe('the dashboard of Grafana', () => {
  it('has a row for each question of a person on call, with panels that say what they show', () => {
    const rows = panels.filter(({ type }) => type === 'row').map(({ title }) => title);
    assert.deepEqual(rows, [
      ...['Is it alive?', 'Did it act?', 'Did it help?', 'Is it in time?', 'What does it need?'],
    ]);
    for (const { type, title, description = '', targets = [] } of panels) {
      if (type === 'row') continue;
      assert.match(description, /\.$/, title);
      assert.ok(targets.length > 0, title);
    }
  });

  it('has no two panels in one place', () => {
    const taken = new Map<string, string>();
    for (const { title, gridPos } of panels) {
      assert.ok(gridPos.x + gridPos.w <= 24, title);
      for (let cell = 0; cell < gridPos.h * gridPos.w; cell++) {
        const x = gridPos.x + (cell % gridPos.w);
        const place = `${x}/${gridPos.y + Math.floor(cell / gridPos.w)}`;
        assert.equal(taken.get(place), undefined, title);
        taken.set(place, title);
      }
    }
  });

  it('has expressions that Prometheus can read', withoutPromtool(), async (t) => {
    const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    const folder = await mkdtemp(join(tmpdir(), 'openfero-grafana-'));
    t.after(() => rm(folder, { recursive: true }));
    const check = async (exprs: readonly string[]): ReturnType<typeof promtool> => {
      const rules = exprs.map((expr, index) => ({ record: `panel:${index}`, expr }));
      // JSON is YAML.
      await writeFile(join(folder, 'rules'), JSON.stringify({ groups: [{ name: 'all', rules }] }));
      return promtool(['check', 'rules', 'rules'], { folder });
    };
    const { ok, output } = await check(expressions.map(filled));
    assert.ok(ok, output);
    assert.match(output, new RegExp(`${expressions.length} rules found`));
    assert.equal((await check(['sum(a{b="c"}[5m])'])).ok, false, 'it would say so');
  });
});

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseManifest } from '@openfero/core/yaml';
import { promtool, withoutPromtool } from '@openfero/testkit/promtool';

const FOLDER = fileURLToPath(new URL('../deploy/prometheus/', import.meta.url));
const RUNBOOK = 'https://github.com/OpenFero/openfero/blob/main/docs/operating.md#';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Case {
  readonly name: string;
  readonly input_series: readonly { readonly series: string }[];
  readonly alert_rule_test?: readonly {
    readonly alertname: string;
    readonly exp_alerts?: readonly unknown[];
  }[];
  readonly promql_expr_test?: readonly {
    readonly exp_samples?: readonly { readonly labels: string }[];
  }[];
}

/** The alerts that a case expects to fire. */
function firedIn({ alert_rule_test = [], promql_expr_test = [] }: Case): readonly string[] {
  const named = promql_expr_test.flatMap(({ exp_samples = [] }) =>
    exp_samples.flatMap(({ labels }) => /alertname="(\w+)"/.exec(labels)?.[1] ?? []),
  );
  const whole = alert_rule_test.filter(({ exp_alerts = [] }) => exp_alerts.length > 0);
  return [...named, ...whole.map(({ alertname }) => alertname)];
}

/** Of our own files: their shape is checked by promtool. */
async function read<T>(file: string): Promise<T> {
  return JSON.parse(JSON.stringify(parseManifest(await readFile(`${FOLDER}${file}`, 'utf8'))));
}

const { groups } = await read<{ groups: { rules: Rule[] }[] }>('openfero.rules.yml');
const { tests } = await read<{ tests: Case[] }>('openfero.test.yml');
const rules = groups.flatMap((group) => group.rules);

describe('the alerts about OpenFero', () => {
  it('pass their tests with promtool', withoutPromtool(), async () => {
    for (const args of [
      ['check', 'rules', 'openfero.rules.yml'],
      ['test', 'rules', 'openfero.test.yml'],
    ]) {
      const { ok, output } = await promtool(args, { folder: FOLDER });
      assert.ok(ok, output);
      assert.match(output, /SUCCESS/);
    }
  });

  it('each have a case that fires', () => {
    const fired = new Set(tests.flatMap(firedIn));
    assert.deepEqual(
      rules.map(({ alert }) => alert).filter((alert) => !fired.has(alert)),
      [],
    );
  });

  it('each have what they look at in the case in which nothing fires', () => {
    const healthy = tests.find(({ name }) => name === 'nothing fires when everything works');
    const series = healthy?.input_series.map((each) => each.series).join('\n') ?? '';
    for (const { alert, expr } of rules) {
      const metrics = expr.match(/openfero_\w+/g) ?? [];
      const absent = metrics.filter(
        (name) => !series.includes(`${name}{`) && !series.includes(`${name}\n`),
      );
      assert.deepEqual([alert, absent], [alert, []]);
    }
  });

  it('each link to their section of the runbook', async () => {
    const page = await readFile(new URL('../docs/operating.md', import.meta.url), 'utf8');
    for (const { alert, annotations } of rules) {
      assert.equal(annotations['runbook_url'], `${RUNBOOK}${alert.toLowerCase()}`);
      assert.match(page, new RegExp(`^### ${alert}$`, 'm'));
    }
  });
});

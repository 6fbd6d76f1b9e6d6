import { isObject, type Json } from '../kubernetes.ts';
import { nearest } from '../operarius/nearest.ts';
import {
  type Finding,
  inField,
  operariusName,
  type Subject,
  warning,
} from '../operarius/operarius.ts';
import { InvalidYaml, parseManifests } from '../yaml/yaml.ts';
import type { Source } from './documents.ts';

/** An alerting rule of Prometheus. */
export interface Rule {
  readonly alert: string;
  /** The labels that its alerts have; undefined where the expression does not tell. */
  readonly labels: ReadonlySet<string> | undefined;
}

/** The file is no file of rules. One line. */
export class InvalidRules extends Error {}

/**
 * Reads the alerting rules of a file as Prometheus reads it, or of a PrometheusRule.
 *
 * @throws {InvalidRules}
 */
export function readRules({ file, text }: Source): Rule[] {
  try {
    const documents = parseManifests(text);
    const groups = documents.flatMap((document) => {
      const spec = isObject(document) ? document['spec'] : undefined;
      return listAt(isObject(spec) ? spec : document, 'groups');
    });
    if (groups.length === 0) throw new InvalidRules(`${file} has no groups of rules`);
    return groups.flatMap((group) => listAt(group, 'rules')).flatMap(ruleOf);
  } catch (error) {
    if (!(error instanceof InvalidYaml)) throw error;
    throw new InvalidRules(`${file} is no file of rules: ${error.message}`);
  }
}

function listAt(value: Json | undefined, name: string): Json[] {
  const list = isObject(value) ? value[name] : undefined;
  return Array.isArray(list) ? list : [];
}

function ruleOf(rule: Json): Rule[] {
  if (!isObject(rule)) return [];
  const { alert, expr } = rule;
  if (typeof alert !== 'string') return [];
  const own = isObject(rule['labels']) ? Object.keys(rule['labels']) : [];
  const aggregated = labelsOf(typeof expr === 'string' ? expr : '');
  const labels = aggregated && new Set(['alertname', ...own, ...aggregated]);
  return [{ alert, labels }];
}

/** PromQL knows its words in upper and lower case. The labels that an aggregation leaves: `sum by (a, b) (...)`, or `sum(...) by (a, b)`. */
const AGGREGATED =
  /^[\s(]*(?:sum|min|max|avg|count|group|stddev|stdvar|quantile|count_values|topk|bottomk)\s*by\s*\(|\)\s*by\s*\([^()]*\)[\s\d.<>=!a-z)]*$/i;
/** Each list of labels in an expression: more than the result has, never less. */
const LISTS = /\b(?:by|on|group_left|group_right)\s*\(([^()]*)\)/gi;

function labelsOf(expression: string): string[] | undefined {
  if (!AGGREGATED.test(expression) || /\bwithout\s*\(/i.test(expression)) return undefined;
  return [...expression.matchAll(LISTS)].flatMap(([, list = '']) =>
    list.split(',').map((label) => label.trim()),
  );
}

/** What is used of the alert in a Job. */
const VARIABLE = /\bOPENFERO_(?!META_)([A-Z0-9_]+)\b/g;

/** Warns of a definition whose alert no rule has, or whose rule gives it not the labels that it uses. */
export function compareWithRules(
  { status, alertnames, exact }: Subject,
  { key, text }: { readonly key: string; readonly text: string },
  rules: readonly Rule[],
): Finding[] {
  const isMeant = ({ alert }: Rule): boolean =>
    exact
      ? alertnames.includes(alert)
      : alertnames.some((name) => operariusName(name, status) === operariusName(alert, status));
  const meant = rules.filter(isMeant);
  if (meant.length === 0) return [unknownAlert(alertnames[0] ?? '', rules)];
  const [alert = ''] = meant.map((rule) => rule.alert);
  const known = meant.map(({ labels }) => labels);
  const used = new Set([...text.matchAll(VARIABLE)].map(([, name = '']) => name));
  return [...used]
    .filter((name) => known.every((labels) => labels !== undefined && !isGiven(name, labels)))
    .map((name) => {
      const message = `OPENFERO_${name} is used, but the rule of ${alert} gives its alerts no label ${name.toLowerCase()}`;
      const fix = 'correct its name, or keep the label in the expression of the rule';
      const line = text.slice(0, text.indexOf(`OPENFERO_${name}`)).split('\n').length;
      return { ...inField(`data.${key}`, warning('unknown-label', '', message, fix)), line };
    });
}

function isGiven(variable: string, labels: ReadonlySet<string>): boolean {
  return [...labels].some((label) => label.toUpperCase().replace(/[^A-Z0-9_]/g, '_') === variable);
}

function unknownAlert(alertname: string, rules: readonly Rule[]): Finding {
  const names = [...new Set(rules.map(({ alert }) => alert))];
  const byName = new Map(names.map((name) => [name.toLowerCase(), name]));
  const near = byName.get(nearest(alertname, [...byName.keys()]) ?? '');
  const fix = near === undefined ? 'correct its name, or add the rule' : `did you mean ${near}?`;
  const message = `no rule has an alert ${alertname}, so it never runs`;
  return inField('metadata.name', warning('unknown-alert', '', message, fix));
}

import { parseSelector } from '@openfero/cluster/directory/selector';
import { type Linted, type LintSettings, lint, readOperarii } from '@openfero/core/lint';
import type { Placed } from '@openfero/core/lint/documents';
import { InvalidRules, type Rule, readRules } from '@openfero/core/lint/rules';
import type { ClusterOptions } from '../cluster.ts';
import { labelSelectorOf } from '../definitions.ts';
import { environmentOf, remediationSettings, withSettings } from '../settings.ts';
import { readSources } from '../sources.ts';
import { CouldNotAsk, NO, painter, type Terminal, YES } from '../terminal.ts';
import { asGithub, asHuman, asJson, asJunit } from './formats.ts';

/** What can be asked of `openfero lint`. */
export interface LintOptions extends ClusterOptions {
  readonly server?: boolean;
  readonly output: 'human' | 'json' | 'github' | 'junit';
  readonly quiet?: boolean;
  readonly color: boolean;
  readonly envFile?: string;
  readonly strict?: boolean;
  readonly rules?: readonly string[];
  readonly ownAccount: string;
}

/** Checks files. @returns the exit code */
export async function runLint(
  paths: readonly string[],
  options: LintOptions,
  terminal: Terminal,
): Promise<number> {
  const env = await environmentOf(terminal, options.envFile);
  const settings = await lintSettings(options, env, terminal);
  const sources = await readSources(paths, terminal);
  const linted =
    options.server === true
      ? await (await import('./server.ts')).lintOnServer(sources, settings, options, env)
      : lint(readOperarii(sources, settings, options.namespace), settings);
  print(linted, options, terminal);
  const fails = (severity: Placed['severity']): boolean =>
    severity === 'error' || (severity === 'warning' && options.strict === true);
  return linted.findings.some(({ severity }) => fails(severity)) ? NO : YES;
}

async function lintSettings(
  options: LintOptions,
  env: Terminal['env'],
  terminal: Terminal,
): Promise<LintSettings> {
  const labelSelector = labelSelectorOf(env);
  return {
    ...remediationSettings(env),
    jobNamespace: env['OPENFERO_JOB_NAMESPACE'] || env['OPENFERO_CONFIGMAP_NAMESPACE'] || undefined,
    ownServiceAccount: options.ownAccount,
    labelSelector,
    selects: withSettings(() => parseSelector(labelSelector)),
    rules: options.rules && (await rulesOf(options.rules, terminal)),
  };
}

async function rulesOf(paths: readonly string[], terminal: Terminal): Promise<readonly Rule[]> {
  const sources = await readSources(paths, terminal);
  try {
    return sources.flatMap(readRules);
  } catch (error) {
    if (error instanceof InvalidRules) throw new CouldNotAsk(error.message);
    throw error;
  }
}

function print({ findings, definitions }: Linted, options: LintOptions, terminal: Terminal): void {
  const { output, quiet = false } = options;
  const shown = quiet ? findings.filter(({ severity }) => severity === 'error') : findings;
  if (output === 'json') terminal.out(asJson(shown));
  if (output === 'junit') terminal.out(asJunit(shown, definitions));
  if (output === 'github') for (const finding of shown) terminal.out(asGithub(finding));
  const paint = painter(terminal, options.color);
  if (output === 'human') for (const finding of shown) terminal.out(asHuman(finding, paint));
  if (!quiet) terminal.err(summary({ findings, definitions }));
}

function summary({ findings, definitions }: Linted): string {
  const count = (severity: Placed['severity']): number =>
    findings.filter((one) => one.severity === severity).length;
  const operarii = definitions.length;
  if (operarii === 0 && findings.length === 0) return 'no operarius found';
  return `${numbered(operarii, 'operarius', 'operarii')}: ${numbered(count('error'), 'error')}, ${numbered(count('warning'), 'warning')}, ${count('info')} info`;
}

function numbered(count: number, one: string, more = `${one}s`): string {
  return `${count} ${count === 1 ? one : more}`;
}

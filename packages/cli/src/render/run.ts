import { RejectedAlert } from '@openfero/core/read-alert';
import { dump } from 'js-yaml';
import { type AlertOptions, readAlertArgument } from '../alerts.ts';
import { type DefinitionOptions, decisionSettings, readConfigMaps } from '../definitions.ts';
import { type DecidedAlert, decideAlerts } from '../explain/decide-alerts.ts';
import { environmentOf } from '../settings.ts';
import { NO, type Terminal, YES } from '../terminal.ts';

/** What can be asked of `openfero render`. */
export interface RenderOptions extends AlertOptions, DefinitionOptions {
  readonly server?: boolean;
  readonly output: 'human' | 'json';
  readonly envFile?: string;
}

/** Prints the Job of each alert. @returns 1 where one of them gets none */
export async function runRender(
  path: string | undefined,
  options: RenderOptions,
  terminal: Terminal,
): Promise<number> {
  const env = await environmentOf(terminal, options.envFile);
  const body = await readAlertArgument(path, options, terminal);
  const configMaps = await readConfigMaps(options, env, terminal);
  const settings = decisionSettings(env, configMaps);
  const decided = decideAlerts(body, configMaps, settings, terminal.now());
  for (const one of decided) if (jobOf(one) === undefined) terminal.err(whyNot(one));
  const rendered = decided.flatMap((one) => jobOf(one) ?? []);
  const jobs =
    options.server === true
      ? await (await import('./server.ts')).asStored(rendered, options, env, terminal)
      : rendered;
  print(jobs, options.output, terminal);
  return jobs.length === decided.length ? YES : NO;
}

function print(jobs: readonly object[], output: RenderOptions['output'], terminal: Terminal): void {
  if (output === 'json') terminal.out(JSON.stringify(jobs, null, 2));
  else if (jobs.length > 0) {
    const texts = jobs.map((job) => dump(job));
    terminal.out(texts.join('---\n').trimEnd());
  }
}

function jobOf(decided: DecidedAlert | RejectedAlert) {
  if (decided instanceof RejectedAlert || decided.decision.kind === 'hold') return undefined;
  return decided.decision.manifest;
}

function whyNot(decided: DecidedAlert | RejectedAlert): string {
  if (decided instanceof RejectedAlert) return `no Job: ${decided.reason}`;
  const { decision } = decided;
  return decision.kind === 'hold'
    ? `no Job, held: ${decision.text}`
    : `no Job, ${decision.outcome}: ${decision.reason}`;
}

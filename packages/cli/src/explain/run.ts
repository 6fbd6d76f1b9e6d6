import { RejectedAlert } from '@openfero/core/read-alert';
import type { Step } from '@openfero/core/simulation/walk';
import { type AlertOptions, readAlertArgument } from '../alerts.ts';
import { type DefinitionOptions, decisionSettings, readConfigMaps } from '../definitions.ts';
import { environmentOf } from '../settings.ts';
import { type Color, NO, type Paint, painter, type Terminal, YES } from '../terminal.ts';
import { type DecidedAlert, decideAlerts } from './decide-alerts.ts';

/** What can be asked of `openfero explain`. */
export interface ExplainOptions extends AlertOptions, DefinitionOptions {
  readonly live?: boolean;
  readonly output: 'human' | 'json';
  readonly color: boolean;
  readonly envFile?: string;
}

/** Says step by step why an alert would run a Job, or not. @returns 0 where each would */
export async function runExplain(
  path: string | undefined,
  options: ExplainOptions,
  terminal: Terminal,
): Promise<number> {
  const env = await environmentOf(terminal, options.envFile);
  const body = await readAlertArgument(path, options, terminal);
  const decided = await decidedAlerts(body, options, env, terminal);
  if (options.output === 'json') terminal.out(JSON.stringify(decided.map(asJson), null, 2));
  else for (const one of decided) print(one, terminal, painter(terminal, options.color));
  return decided.every(wouldRun) ? YES : NO;
}

async function decidedAlerts(
  body: unknown,
  options: ExplainOptions,
  env: Terminal['env'],
  terminal: Terminal,
): Promise<readonly (DecidedAlert | RejectedAlert)[]> {
  if (options.live === true) {
    return (await import('./live.ts')).decideLive(body, options, env, terminal);
  }
  const configMaps = await readConfigMaps(options, env, terminal);
  return decideAlerts(body, configMaps, decisionSettings(env, configMaps), terminal.now());
}

function wouldRun(decided: DecidedAlert | RejectedAlert): boolean {
  if (decided instanceof RejectedAlert) return false;
  const { decision } = decided;
  return decision.kind === 'end' && decision.outcome === 'created';
}

function asJson(decided: DecidedAlert | RejectedAlert): object {
  if (decided instanceof RejectedAlert) return { rejected: decided.reason };
  const { remediation, operarius, steps, decision } = decided;
  const { status, labels } = remediation.alert;
  const outcome = decision.kind === 'end' ? decision.outcome : 'held';
  return { alert: { status, labels }, operarius, steps, outcome };
}

const MARKS: Readonly<Record<Step['result'], readonly [Color, string]>> = {
  passes: ['green', '+'],
  ends: ['red', 'x'],
  holds: ['yellow', '~'],
};

function print(decided: DecidedAlert | RejectedAlert, terminal: Terminal, paint: Paint): void {
  if (decided instanceof RejectedAlert) {
    terminal.out(`the receiver rejects the alert: ${decided.reason}`);
    return;
  }
  const { remediation, steps, decision } = decided;
  const { status, labels } = remediation.alert;
  terminal.out(paint('bold', `${status} ${labelsOf(labels)}`));
  const width = Math.max(...steps.map(({ name }) => name.length));
  for (const { name, result, reason } of steps) {
    const [color, mark] = name === 'job' && wouldRun(decided) ? MARKS.passes : MARKS[result];
    terminal.out(`  ${paint(color, mark)} ${name.padEnd(width)}  ${oneLine(reason)}`);
  }
  const outcome = decision.kind === 'end' ? decision.outcome : `held (${decision.reason})`;
  terminal.out(`  = ${paint('bold', outcome)}`);
}

function labelsOf(labels: Readonly<Record<string, string>>): string {
  const texts = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return oneLine(`{${texts.join(', ')}}`);
}

/** No text of an alert can move the cursor, or look like another line. */
function oneLine(text: string): string {
  return text.replace(/\p{C}/gu, ' ');
}

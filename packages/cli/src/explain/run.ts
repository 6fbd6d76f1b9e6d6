import { RejectedAlert } from '@openfero/core/read-alert';
import type { Step } from '@openfero/core/simulation/steps';
import { type AlertOptions, readAlertArgument } from '../alerts.ts';
import { decisionSettings, readConfigMaps } from '../definitions.ts';
import { environmentOf } from '../settings.ts';
import { type Color, NO, type Paint, painter, type Terminal, YES } from '../terminal.ts';
import { type DecidedAlert, decideAlerts } from './decide-alerts.ts';

/** What can be asked of `openfero explain`. */
export interface ExplainOptions extends AlertOptions {
  readonly file: readonly string[];
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
  const configMaps = await readConfigMaps(options.file, env, terminal);
  const settings = decisionSettings(env, configMaps);
  const decided = decideAlerts(body, configMaps, settings, { now: terminal.now() });
  if (options.output === 'json') terminal.out(JSON.stringify(decided.map(asJson), null, 2));
  else for (const one of decided) print(one, terminal, painter(terminal, options.color));
  return decided.every(wouldRun) ? YES : NO;
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

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { End } from '@openfero/core/outcome';
import type { LogLine } from '@openfero/testkit/process';
import type { Demo } from './start.ts';

const ROOT = new URL('../../', import.meta.url);

/** A notification that the demo sends. */
export interface Example {
  readonly title: string;
  /** Path of the notification in the repository. */
  readonly file: string;
  readonly outcome: End;
  /** What is sent in place of the file. */
  readonly change?: (notification: string) => string;
}

const FIRST = 'test/alerts.json';

export const CREATED: Example = {
  title: 'An alert fires. Its operarius is valid, so OpenFero creates the Job:',
  file: FIRST,
  outcome: 'created',
};
export const REPEATED: Example = {
  title: 'Alertmanager repeats the alert. One problem gets one Job:',
  file: FIRST,
  outcome: 'deduplicated',
};
export const RESOLVED: Example = {
  title: 'The Job has helped: the alert resolves. Nobody wrote an operarius for that:',
  file: FIRST,
  outcome: 'no-operarius',
  change: resolve,
};
export const FAILING: Example = {
  title: 'Another alert fires. OpenFero creates its Job, and the Job fails:',
  file: 'demo/failing/alerts.json',
  outcome: 'created',
  change: beginNow,
};
export const BROKEN: Example = {
  title: 'A third alert fires. Its operarius has a mistake, so there is no Job:',
  file: 'demo/broken/alerts.json',
  outcome: 'invalid-operarius',
};

/** Milliseconds that an outcome may take; it takes about 50. */
const OUTCOME_LIMIT = 10_000;

/**
 * Creates what sends the examples, one after the other.
 *
 * @returns a function that resolves with the worker's log line about the outcome
 */
export function createSender({ worker, receiverUrl }: Demo): (one: Example) => Promise<LogLine> {
  let sent = 0;
  return async ({ file, outcome, change = (text) => text }) => {
    sent++;
    await post(receiverUrl, change(await readFile(fileURLToPath(new URL(file, ROOT)), 'utf8')));
    let seen = 0;
    const isNext = (line: LogLine): boolean => line['outcome'] !== undefined && ++seen === sent;
    const ended = await worker.waitForLine(isNext, OUTCOME_LIMIT);
    if (ended['outcome'] === outcome) return ended;
    throw new Error(`${file} ended as ${ended['outcome']}, not as ${outcome}: ${ended['reason']}`);
  };
}

/** Milliseconds for the first check of an operarius; it takes about 50. */
const CHECK_LIMIT = 10_000;

const OPERARII = [
  'openfero-kubequotaalmostfull-firing',
  'openfero-certificateexpires-firing',
  'openfero-diskalmostfull-firing',
];

/** Waits until the worker has checked the operarii of the examples, so that their outcomes come after. */
export async function operariiChecked({ worker }: Demo): Promise<void> {
  const checksOf = (name: string) => (line: LogLine) =>
    line['operarius'] === name && line['outcome'] === undefined;
  await Promise.all(OPERARII.map((name) => worker.waitForLine(checksOf(name), CHECK_LIMIT)));
}

/** The same notification of alerts that began just now. */
function beginNow(notification: string): string {
  const now = new Date().toISOString();
  return notification.replace(/"startsAt": "[^"]*"/g, `"startsAt": "${now}"`);
}

/** The same notification once its alerts are over. */
function resolve(notification: string): string {
  const { alerts, ...group } = JSON.parse(notification);
  const over = { status: 'resolved', endsAt: new Date().toISOString() };
  const resolved = alerts.map(({ EndsAt: _old, ...alert }: object & { EndsAt?: unknown }) => ({
    ...alert,
    ...over,
  }));
  return JSON.stringify({ ...group, status: 'resolved', alerts: resolved });
}

async function post(url: string, body: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/alerts`, { method: 'POST', headers, body });
  if (!response.ok) {
    throw new Error(`the receiver answered ${response.status}: ${await response.text()}`);
  }
}

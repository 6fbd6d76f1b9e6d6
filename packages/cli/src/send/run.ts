import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '@openfero/core/errors';
import type { Handled } from '@openfero/core/history/row';
import { isObject, type JsonObject } from '@openfero/core/kubernetes';
import { type AlertOptions, readAlertArgument } from '../alerts.ts';
import { createHistoryReader, type HistoryReader } from '../history.ts';
import { type OpenRedis, withRedis } from '../redis.ts';
import { environmentOf } from '../settings.ts';
import { CouldNotAsk, NO, type Terminal, YES } from '../terminal.ts';

/** What can be asked of `openfero send`. */
export interface SendOptions extends AlertOptions {
  readonly url: string;
  readonly wait?: true | string;
  /** Seconds. */
  readonly timeout: string;
  readonly envFile?: string;
}

/** Milliseconds between two looks at the history. */
const ASK_INTERVAL = 250;

/** Milliseconds: the receiver answers within 2 s. */
const RECEIVER_TIMEOUT = 10_000;

/** Sends one notification. @returns 0 where it is accepted; with --wait where each Job has succeeded */
export async function runSend(
  path: string | undefined,
  options: SendOptions,
  terminal: Terminal,
): Promise<number> {
  const env = await environmentOf(terminal, options.envFile);
  const body = await readAlertArgument(path, options, terminal);
  const answer = await post(body, options.url, env);
  const { queued, absorbed, remediations, rejected } = answer;
  terminal.err(`queued ${queued}, absorbed ${absorbed}, rejected ${rejected.length}`);
  for (const { reason } of rejected) terminal.err(`rejected: ${reason}`);
  if (options.wait === undefined || remediations.length === 0) {
    for (const id of remediations) terminal.out(id);
    return rejected.length === 0 ? YES : NO;
  }
  const ended = await withRedis(env, (open) => waitFor(remediations, options, open, terminal));
  return ended && rejected.length === 0 ? YES : NO;
}

interface Received {
  readonly queued: number;
  readonly absorbed: number;
  readonly remediations: readonly string[];
  readonly rejected: readonly { readonly reason: string }[];
}

async function post(body: unknown, url: string, env: Terminal['env']): Promise<Received> {
  try {
    const response = await fetch(new URL('/alerts', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...authorization(env) },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(RECEIVER_TIMEOUT),
    });
    const answer: unknown = await response.json();
    if (!response.ok)
      throw new CouldNotAsk(`the receiver answers ${response.status}: ${errorIn(answer)}`);
    return received(isObject(answer) ? answer : {});
  } catch (error) {
    if (error instanceof CouldNotAsk) throw error;
    const { cause } = error instanceof Error ? error : {};
    throw new CouldNotAsk(`cannot send to ${url}: ${messageOf(cause ?? error)}`);
  }
}

/** As the receiver's own settings name it. */
function authorization(env: Terminal['env']): Record<string, string> {
  const {
    OPENFERO_AUTH_USER: user,
    OPENFERO_AUTH_PASSWORD: password,
    OPENFERO_AUTH_TOKEN: token,
  } = env;
  if (token) return { authorization: `Bearer ${token}` };
  if (!user) return {};
  const credentials = Buffer.from(`${user}:${password ?? ''}`).toString('base64');
  return { authorization: `Basic ${credentials}` };
}

function errorIn(answer: unknown): string {
  const error = isObject(answer) ? answer['error'] : undefined;
  return typeof error === 'string' ? error : 'no reason given';
}

function received(answer: JsonObject): Received {
  const { queued, absorbed, remediations, rejected } = answer;
  return {
    queued: Number(queued ?? 0),
    absorbed: Number(absorbed ?? 0),
    remediations: Array.isArray(remediations) ? remediations.map(String) : [],
    rejected: Array.isArray(rejected)
      ? rejected.filter(isObject).map(({ reason }) => ({ reason: String(reason) }))
      : [],
  };
}

/** Waits for the outcome of each, then for the fate of its Job. @returns whether all Jobs have succeeded */
async function waitFor(
  remediations: readonly string[],
  { wait, timeout }: Pick<SendOptions, 'wait' | 'timeout'>,
  open: OpenRedis,
  terminal: Terminal,
): Promise<boolean> {
  const until = performance.now() + Number(timeout) * 1000;
  const history = createHistoryReader(open);
  const look = createTeller(history, wait !== 'outcome', terminal);
  const ended = new Map<string, boolean>();
  for (;;) {
    await history.read();
    const looks = remediations.map((id) => ({ id, good: look(id) }));
    for (const { id, good } of looks.filter(isOver)) ended.set(id, good);
    if (ended.size === remediations.length || performance.now() >= until) break;
    await delay(ASK_INTERVAL);
  }
  const due = remediations.filter((id) => !ended.has(id));
  for (const id of due) terminal.err(`${id}: nothing more within ${timeout} s`);
  return due.length === 0 && [...ended.values()].every((good) => good);
}

interface Look {
  readonly id: string;
  readonly good: boolean | undefined;
}

const isOver = (look: Look): look is Look & { readonly good: boolean } => look.good !== undefined;

/** Tells what is new of a remediation. @returns whether it went well; undefined while it is not over */
function createTeller(
  { fold }: HistoryReader,
  waitsForFate: boolean,
  terminal: Terminal,
): (id: string) => boolean | undefined {
  const told = new Set<string>();
  return (id) => {
    const row = fold.rowOfRemediation(id);
    const handled = [row?.firing, row?.resolved].find((one) => one?.id === id);
    const progress = handled && progressOf(handled, waitsForFate);
    for (const what of progress?.told ?? []) {
      const line = `${id}  ${what}`.replace(/\p{C}+/gu, ' ');
      if (!told.has(line)) terminal.out(line);
      told.add(line);
    }
    return progress?.good;
  };
}

/** What is to tell of one, and once it is over whether it went well. */
function progressOf(
  { end, job }: Handled,
  waitsForFate: boolean,
): { readonly told: readonly string[]; readonly good?: boolean } | undefined {
  if (end === undefined) return undefined;
  const outcome = `${end.outcome}: ${end.reason}${job === undefined ? '' : ` (Job ${job.name})`}`;
  if (end.outcome !== 'created') return { told: [outcome], good: end.outcome === 'deduplicated' };
  if (!waitsForFate) return { told: [outcome], good: true };
  if (job?.fate === undefined) return { told: [outcome] };
  const { fate, reason } = job.fate;
  const fated = `Job ${job.name} ${fate}${reason === '' ? '' : `: ${reason}`}`;
  return { told: [outcome, fated], good: fate === 'succeeded' };
}

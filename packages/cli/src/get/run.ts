import { parseDuration } from '@openfero/core/duration';
import { NO_FILTER } from '@openfero/core/history/filter';
import { historyLine } from '@openfero/core/history/line';
import { createPredicate } from '@openfero/core/history/predicate';
import { type Handled, isRemoved, type Row } from '@openfero/core/history/row';
import { InvalidMatchers, parseMatchers } from '@openfero/core/matchers';
import { ENDS } from '@openfero/core/outcome';
import { readTime } from '@openfero/core/redis/memory';
import { createHistoryReader } from '../history.ts';
import { withRedis } from '../redis.ts';
import { environmentOf } from '../settings.ts';
import { CouldNotAsk, type Terminal, YES } from '../terminal.ts';

export { type GetOperariiOptions, getOperarii } from './operarii.ts';

/** What can be asked of `openfero get remediations`. */
export interface GetOptions {
  readonly outcome?: string;
  readonly operarius?: string;
  readonly match?: string;
  readonly since?: string;
  readonly output: 'human' | 'json' | 'jsonl';
  readonly envFile?: string;
}

/** Prints the history, the newest first. */
export async function getRemediations(options: GetOptions, terminal: Terminal): Promise<number> {
  const env = await environmentOf(terminal, options.envFile);
  const since = sinceOf(options);
  const match = matchOf(options);
  const outcomes = ENDS.filter((end) => end === options.outcome);
  const operarii = options.operarius === undefined ? [] : [options.operarius];
  return withRedis(env, async (open) => {
    const now = readTime(await open.redis.time());
    const history = createHistoryReader(open);
    await history.read();
    const filter = { ...NO_FILTER, match, outcomes, operarii, all: true, last: since ?? now };
    const rows = [...history.fold.rows()].filter(createPredicate(filter, now));
    print(rows, options.output, now, terminal);
    return YES;
  });
}

function print(
  rows: readonly Row[],
  output: GetOptions['output'],
  now: number,
  terminal: Terminal,
): void {
  const lines = (): object[] => rows.map((row) => historyLine(row, now));
  if (output === 'json') terminal.out(JSON.stringify(lines(), null, 2));
  if (output === 'jsonl') for (const line of lines()) terminal.out(JSON.stringify(line));
  if (output !== 'human') return;
  for (const line of rows.flatMap(linesOf)) terminal.out(line);
  terminal.err(`${rows.length} occurrences`);
}

function sinceOf({ since }: GetOptions): number | undefined {
  if (since === undefined) return undefined;
  const ms = parseDuration(since);
  if (ms === undefined) throw new CouldNotAsk(`--since ${since}: write a duration such as 24h`);
  return ms;
}

function matchOf({ match = '' }: GetOptions): string {
  try {
    parseMatchers(match);
    return match;
  } catch (error) {
    if (error instanceof InvalidMatchers) throw new CouldNotAsk(`--match: ${error.message}`);
    throw error;
  }
}

function linesOf(row: Row): string[] {
  return [row.firing, row.resolved].flatMap((handled, i) =>
    handled === undefined ? [] : [lineOf(row, handled, i === 0 ? 'firing' : 'resolved')],
  );
}

function lineOf({ alertname, labels, since }: Row, handled: Handled, status: string): string {
  const { end, held, job, operarius, id } = handled;
  const outcome = end?.outcome ?? (held === undefined ? 'waiting' : `held (${held.reason})`);
  const removed = isRemoved(handled) ? ', removed' : '';
  const fate = job === undefined ? '' : ` ${job.name} ${job.fate?.fate ?? 'unfinished'}`;
  const others = Object.entries(labels)
    .filter(([name]) => name !== 'alertname')
    .map(([name, value]) => `${name}=${value}`);
  const time = new Date(end?.at ?? since).toISOString();
  const words = [time, id, `${outcome}${removed}${fate}`, status, alertname, ...others];
  return `${words.join('  ')}${operarius === '' ? '' : `  (${operarius})`}`.replace(
    /\p{C}+/gu,
    ' ',
  );
}

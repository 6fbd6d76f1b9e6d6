import { readTime } from '@openfero/core/redis/memory';
import { readEntries } from '../history.ts';
import type { OpenRedis } from '../redis.ts';

type Tally = Record<string, number>;

/** What an operarius did: how many of its remediations, and of its Jobs, ended in which way. */
export interface Counts {
  readonly outcomes: Readonly<Tally>;
  readonly fates: Readonly<Tally>;
}

const DAY = 24 * 3_600_000;

/** What each operarius did in the last 24 hours, by its name. Those that did nothing are not in it. */
export async function countLastDay(open: OpenRedis): Promise<ReadonlyMap<string, Counts>> {
  const counts = new Map<string, { readonly outcomes: Tally; readonly fates: Tally }>();
  const of = (operarius: string) => {
    const own = counts.get(operarius) ?? { outcomes: {}, fates: {} };
    counts.set(operarius, own);
    return own;
  };
  const ends = new Map<string, { readonly operarius: string; readonly outcome: string }>();
  // The ids of the history begin with the time at which Redis took an entry.
  const from = readTime(await open.redis.time()) - DAY;
  for await (const [, entry] of readEntries(open, String(from))) {
    // A retry ends again, and the last end counts.
    if (entry.kind === 'end') ends.set(entry.id, entry);
    if (entry.kind === 'fate') add(of(entry.operarius).fates, entry.fate);
  }
  for (const { operarius, outcome } of ends.values()) add(of(operarius).outcomes, outcome);
  return counts;
}

function add(tally: Tally, word: string): void {
  tally[word] = (tally[word] ?? 0) + 1;
}

/** Such as `3 created, 1 deduplicated; Jobs: 2 succeeded`. */
export function textOf({ outcomes, fates }: Counts): string {
  const jobs = listOf(fates);
  return `${listOf(outcomes) || 'no remediation'}${jobs && `; Jobs: ${jobs}`}`;
}

function listOf(tally: Readonly<Tally>): string {
  const words = Object.entries(tally).map(([word, count]) => `${count} ${word}`);
  return words.join(', ');
}

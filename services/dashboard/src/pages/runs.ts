import type { Fate } from '@openfero/core/history/entry';
import type { Created, Fold } from '@openfero/core/history/fold';
import { type Handled, isHeld, type JobFate, type Row } from '@openfero/core/history/row';
import { timeOfId } from '@openfero/core/history/stream-id';
import type { Effect } from '@openfero/core/outcome';
import type { Stopped } from '@openfero/core/redis/stopped';

/** What an operarius did of late, as the history tells. */
export interface Runs {
  /** Jobs created. */
  readonly lastHour: number;
  readonly lastDay: number;
  /** The Job that was created last. */
  readonly last: Created | undefined;
  /** How the last Jobs ended, newest first: ten at most, and only those whose end is known. */
  readonly fates: readonly Fate[];
  /** Of the last seven days: how many Jobs were judged so. */
  readonly effects: Readonly<Record<Effect, number>>;
  readonly held: readonly Row[];
  /** Rows with a Job of which no end is known: it may hold a place. */
  readonly unfinished: readonly Row[];
}

export const NO_RUNS: Runs = {
  lastHour: 0,
  lastDay: 0,
  last: undefined,
  fates: [],
  effects: { resolved: 0, firing: 0, unknown: 0 },
  held: [],
  unfinished: [],
};

const HOUR = 3_600_000;
const TEN = 10;
/** Days of which effects are counted. */
const EFFECT_DAYS = 7;

/** What each operarius did. */
export function runsOf(
  fold: Pick<Fold, 'rows' | 'created'>,
  now: number,
): ReadonlyMap<string, Runs> {
  const all = new Map<string, Counting>();
  const of = (operarius: string): Counting => {
    const counting = all.get(operarius) ?? begin();
    all.set(operarius, counting);
    return counting;
  };
  for (const row of fold.rows()) {
    for (const handled of handledIn(row)) {
      const { held } = of(handled.operarius);
      if (isHeld(handled)) held.push(row);
    }
  }
  for (const one of fold.created()) count(of(one.operarius), one, now);
  return new Map(Array.from(all, ([name, counting]) => [name, runs(counting)]));
}

/** Where somebody wrote an operarius. */
const handledIn = ({ firing, resolved }: Row): Handled[] =>
  [firing, resolved]
    .filter((each) => each !== undefined)
    .filter(({ operarius }) => operarius !== '');

interface Counting extends Omit<Runs, 'fates'> {
  readonly effects: Record<Effect, number>;
  lastHour: number;
  lastDay: number;
  readonly held: Row[];
  readonly unfinished: Row[];
  last: Created | undefined;
  /** Newest first. */
  readonly ended: Created[];
}

const begin = (): Counting => ({
  ...NO_RUNS,
  effects: { ...NO_RUNS.effects },
  held: [],
  unfinished: [],
  last: undefined,
  ended: [],
});

const runs = ({ ended, ...rest }: Counting): Runs => ({
  ...rest,
  fates: ended.map(({ job }) => job?.fate?.fate).filter((fate) => fate !== undefined),
});

function count(counting: Counting, one: Created, now: number): void {
  const { at, job, row } = one;
  const { fate, effect } = job ?? {};
  if (now - at <= HOUR) counting.lastHour++;
  if (now - at <= 24 * HOUR) counting.lastDay++;
  if (at >= (counting.last?.at ?? 0)) counting.last = one;
  if (effect !== undefined && now - effect.at <= EFFECT_DAYS * 24 * HOUR) {
    counting.effects[effect.effect]++;
  }
  if (fate === undefined) counting.unfinished.push(row);
  else keepNewest(counting.ended, one);
}

/** They come in the order of their first entries, which is nearly that of time. */
function keepNewest(newest: Created[], one: Created): void {
  const place = newest.findIndex(({ at }) => one.at >= at);
  if (place === -1 && newest.length >= TEN) return;
  newest.splice(place === -1 ? newest.length : place, 0, one);
  newest.length = Math.min(newest.length, TEN);
}

/** A run that was bad, and since when that is known: milliseconds, Redis' clock. */
export interface BadRun extends Created {
  readonly knownAt: number;
  readonly job: JobFate;
}

/** The bad runs that stopped an operarius, newest first, as far as the history has them. */
export function badRunsOf(
  fold: Pick<Fold, 'created'>,
  operarius: string,
  { row, at }: Stopped,
): readonly BadRun[] {
  const bad: BadRun[] = [];
  for (const one of fold.created()) {
    const entry = one.operarius === operarius && one.job && badEntryOf(one.job);
    if (!entry || one.job === undefined) continue;
    const knownAt = timeOfId(entry);
    if (knownAt <= at) bad.push({ ...one, job: one.job, knownAt });
  }
  const endOf = ({ job, knownAt }: BadRun): number => job.fate?.endedAt ?? knownAt;
  return bad.sort((a, b) => endOf(b) - endOf(a)).slice(0, row);
}

/** The entry that says that a run was bad. */
const badEntryOf = ({ fate, effect }: JobFate): string | undefined =>
  fate?.fate === 'failed' ? fate.entry : effect?.effect === 'firing' ? effect.entry : undefined;

import { parseDuration } from '../duration.ts';
import { MODES, type Mode } from '../mode.ts';

export const DEDUP_BY = ['alert', 'group', 'operarius'] as const;
export type DedupBy = (typeof DEDUP_BY)[number];

/** So many Jobs within so many milliseconds. */
export interface Repeats {
  readonly count: number;
  readonly within: number;
}

/** One kind of value, read alike from an annotation and from the worker's environment. */
export interface Syntax<T> {
  /** For messages: what a value may be. */
  readonly allowed: string;
  /** Undefined where the text is no such value. */
  readonly parse: (text: string) => T | undefined;
}

export const DURATION: Syntax<number> = {
  allowed: 'a duration such as 90s or 1h30m',
  parse: parseDuration,
};
/** Nobody can answer in no time. */
export const DURATION_ABOVE_0: Syntax<number> = {
  allowed: 'a duration such as 30m or 2h',
  parse: (text) => parseDuration(text) || undefined,
};
export const DURATION_OR_NEVER: Syntax<number | 'never'> = {
  allowed: 'a duration such as 4h, or never',
  parse: (text) => (text === 'never' ? text : parseDuration(text)),
};
export const COUNT: Syntax<number> = {
  allowed: 'a whole number, 0 for no limit',
  parse: (text) => (/^\d{1,15}$/.test(text) ? Number(text) : undefined),
};
/** A row of runs is looked for among the latest 500. */
export const ROW: Syntax<number> = {
  allowed: 'a whole number up to 100, 0 for never',
  parse: (text) => (/^\d{1,3}$/.test(text) && Number(text) <= 100 ? Number(text) : undefined),
};
/** As durations of 0: neither can be judged at once, nor be stopped for no time. */
function durationOr<W extends string>(word: W, example: string): Syntax<number | W> {
  return {
    allowed: `a duration such as ${example}, or ${word}`,
    parse: (text) => (text === word ? word : parseDuration(text) || undefined),
  };
}
export const DURATION_OR_OFF = durationOr('off', '15m');
export const DURATION_OR_REARM = durationOr('rearm', '1h');

/** The memory of a trouble keeps as many creations, and lives for longer. */
const MOST_REPEATS = 20;
const LONGEST_REPEATS = 7 * 24 * 3_600_000;
export const REPEATS = countWithin(MOST_REPEATS, '5/1d');

/** Each run that counts is a member of a set in Redis. */
const MOST_RUNS = 1_000;
export const RUNS = countWithin(MOST_RUNS, '20/1h');

function countWithin(most: number, example: string): Syntax<Repeats | 'none'> {
  return {
    allowed: `a count from 1 to ${most} and a duration up to 7d such as ${example}, or none`,
    parse(text) {
      if (text === 'none') return text;
      const [, digits, duration = ''] = /^(\d{1,4})\/(.+)$/.exec(text) ?? [];
      const [count, within] = [Number(digits), parseDuration(duration) ?? 0];
      const isAllowed = count >= 1 && count <= most && within <= LONGEST_REPEATS;
      return isAllowed && within > 0 ? { count, within } : undefined;
    },
  };
}

/** In any order, they name the same target. */
export const TARGET: Syntax<readonly string[]> = {
  allowed: 'names of labels with commas between, such as node or cluster,node',
  parse(text) {
    const names = text.split(',').map((name) => name.trim());
    return names.includes('') ? undefined : [...new Set(names)].sort();
  },
};
export const BOOLEAN: Syntax<boolean> = {
  allowed: 'true or false',
  parse: (text) => (text === 'true' || text === 'false' ? text === 'true' : undefined),
};
export const MODE: Syntax<Mode> = oneOf(MODES);
export const DEDUPLICATION: Syntax<DedupBy> = oneOf(DEDUP_BY);

function oneOf<T extends string>(words: readonly T[]): Syntax<T> {
  return {
    allowed: words.join(', ').replace(/, ([^,]*)$/, ' or $1'),
    parse: (text) => words.find((word) => word === text),
  };
}

import type { End } from '../outcome.ts';
import { FATES, type Fate } from './entry.ts';

/** What a list of occurrences shows: what all of its parts let pass. */
export interface Filter {
  /** Alertmanager's matchers, as the person wrote them. */
  readonly match: string;
  /** Words, each in the value of a label or in the Job's name; or an id. */
  readonly text: string;
  /** One of these; none given: each. The next two likewise. */
  readonly outcomes: readonly End[];
  readonly operarii: readonly string[];
  readonly fates: readonly FateFilter[];
  readonly only: Chip | undefined;
  /** Milliseconds since 1970, by Redis' clock. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** Milliseconds before `to` or now, in place of `from`: a bookmark can hold it. */
  readonly last: number | undefined;
  /** Those too that nobody wanted to be remediated: {@link UNWANTED}. Who searches words means them too. */
  readonly all: boolean;
}

/** `none`: there is a Job, and no end of it is known. */
export const FATE_FILTERS = [...FATES, 'none'] as const;
export type FateFilter = Fate | 'none';

/** What a person should look at, each counted. `failed` is every failure but `expired`. */
export const CHIPS = ['job-failed', 'failed', 'expired', 'held'] as const;
export type Chip = (typeof CHIPS)[number];

/** Alerts for which nobody wrote an operarius: in most clusters nearly all, and they hide the rest. */
export const UNWANTED: readonly End[] = ['no-operarius', 'not-matched'];

/** Milliseconds that a list goes back where its filter names no time. */
const DEFAULT_LAST = 24 * 3600 * 1000;

export const NO_FILTER: Filter = {
  match: '',
  text: '',
  outcomes: [],
  operarii: [],
  fates: [],
  only: undefined,
  from: undefined,
  to: undefined,
  last: undefined,
  all: false,
};

/** The time that a filter covers, in milliseconds since 1970. */
export function windowOf({ from, to, last }: Filter, now: number): { from: number; to: number } {
  return {
    from: from ?? (to ?? now) - (last ?? DEFAULT_LAST),
    to: to ?? Number.POSITIVE_INFINITY,
  };
}

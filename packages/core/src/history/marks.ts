import { FAILURES } from '../outcome.ts';
import { CHIPS, type Chip, UNWANTED } from './filter.ts';
import { type Handled, isHeld, isRemoved, type Row } from './row.ts';

/**
 * What a list asks of every row, in the bits of one number: a query of 100,000 rows then looks at each row
 * alone, and not at the objects below it, which are all over the memory.
 */
export function marksOf({ firing, resolved }: Pick<Row, 'firing' | 'resolved'>): number {
  let marks = isUnwanted(firing ?? resolved) && isUnwanted(resolved ?? firing) ? UNWANTED_BIT : 0;
  for (const chip of CHIPS) {
    const is = IS[chip];
    if ((firing !== undefined && is(firing)) || (resolved !== undefined && is(resolved))) {
      marks |= BITS[chip];
    }
  }
  return marks;
}

/** A row, as far as its marks say all. */
export type Marked = Pick<Row, 'marks'>;

/** Whether a chip shows the row. */
export const hasChip = ({ marks }: Marked, chip: Chip): boolean => (marks & BITS[chip]) !== 0;

/** Whether nobody wanted it remediated. */
export const isUnwantedRow = ({ marks }: Marked): boolean => (marks & UNWANTED_BIT) !== 0;

/** Of different marks: all are less. */
export const MARKS = 32;

const UNWANTED_BIT = 1;
const BITS: Readonly<Record<Chip, number>> = {
  'job-failed': 2,
  failed: 4,
  expired: 8,
  held: 16,
};

export function isUnwanted(handled: Handled | undefined): boolean {
  const outcome = handled?.end?.outcome;
  return outcome !== undefined && UNWANTED.includes(outcome);
}

const FAILED: readonly string[] = FAILURES.filter((failure) => failure !== 'expired');

/** A remediation that a person retries waits again: but only BullMQ knows, so its last end counts. */
const IS: Readonly<Record<Chip, (handled: Handled) => boolean>> = {
  'job-failed': ({ job }) => job?.fate?.fate === 'failed',
  failed: (handled) => isOpen(handled) && FAILED.includes(handled.end?.outcome ?? ''),
  expired: (handled) => isOpen(handled) && handled.end?.outcome === 'expired',
  held: isHeld,
};

const isOpen = (handled: Handled): boolean => !isHeld(handled) && !isRemoved(handled);

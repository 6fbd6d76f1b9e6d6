import { Fold } from '@openfero/core/history/fold';
import { parseEntry } from '@openfero/core/history/parse';
import type { Row } from '@openfero/core/history/row';
import { createInterner } from '@openfero/core/interned';
import type { StreamEntry } from './stream.ts';

/** Of the limit: what is forgotten at once, where there are too many. Each time costs a walk over all rows. */
const STRETCH = 1 / 30;

/** The stream as far as it has been read, folded. */
export class Reading {
  readonly fold = new Fold();
  /** The last entry that was read. */
  lastId = '0-0';
  /** Entries that are none of ours, or of a newer version. */
  skipped = 0;
  readonly #intern = createInterner();
  readonly #limit: number;
  /** Where each stretch of entries begins, oldest first. */
  readonly #stretches: { readonly firstId: string; count: number }[] = [];

  /** @param limit entries; of more than these the oldest are forgotten */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @returns the rows that are new or changed */
  add(entries: readonly StreamEntry[]): readonly Row[] {
    for (const [id, fields] of entries) {
      const entry = parseEntry(fields, this.#intern);
      this.lastId = id;
      if (entry === undefined) this.skipped++;
      else this.fold.add(id, entry);
      this.#count(id);
    }
    this.#forget();
    return this.fold.settle();
  }

  /** Forgets what the stream no longer holds. */
  trim(firstId: string): void {
    this.fold.trim(firstId);
    this.fold.settle();
  }

  #count(id: string): void {
    const last = this.#stretches.at(-1);
    if (last !== undefined && last.count < this.#limit * STRETCH) last.count++;
    else this.#stretches.push({ firstId: id, count: 1 });
  }

  /** Whoever can write to Redis can make the stream longer than OpenFero ever would. */
  #forget(): void {
    let all = this.#stretches.reduce((sum, { count }) => sum + count, 0);
    let gone = 0;
    for (const { count } of this.#stretches) {
      if (all - count < this.#limit) break;
      all -= count;
      gone++;
    }
    if (gone === 0) return;
    this.#stretches.splice(0, gone);
    this.fold.trim(this.#stretches[0]?.firstId ?? this.lastId);
  }
}

import type { Kept } from './kept.ts';
import type { Row } from './row.ts';
import { compareIds } from './stream-id.ts';

/** Gaps in the list before it is packed: a packing moves 100,000 occurrences, in a millisecond. */
const MOST_GAPS = 10_000;

/**
 * Occurrences by the cursors of their rows. Each entry moves one to the top of 100,000: it leaves a gap, and is
 * added at the end. An array, not a linked list, so that a query finds its oldest row without a look at the
 * cursors of the others: those are all over the memory, and took half of its time.
 */
export class NewestFirst {
  /** Oldest first. */
  #list: (Kept | undefined)[] = [];
  #gaps = 0;
  #newest = '';
  /** Whether one was added that is older than another one. */
  #isDisordered = false;

  /** Puts one where its new row belongs: at the top, where entries come in order. */
  place(one: Kept, row: Row): void {
    if (one.row?.cursor === row.cursor) {
      // What is trimmed stays where it is: far from the top.
      one.row = row;
      return;
    }
    this.remove(one);
    one.row = row;
    one.place = this.#list.push(one) - 1;
    if (compareIds(row.cursor, this.#newest) < 0) this.#isDisordered = true;
    else this.#newest = row.cursor;
  }

  remove(one: Kept): void {
    if (one.row === undefined) return;
    one.row = undefined;
    this.#list[one.place] = undefined;
    this.#gaps++;
    if (this.#gaps > MOST_GAPS) this.#pack();
  }

  /** @param oldest the cursor at which to end */
  *rows(oldest: string): Generator<Row> {
    if (this.#isDisordered) this.#sort();
    const first = this.#firstFrom(oldest);
    for (let place = this.#list.length - 1; place >= first; place--) {
      const row = this.#list[place]?.row;
      if (row !== undefined) yield row;
    }
  }

  /** The place of the first that is not older. */
  #firstFrom(oldest: string): number {
    let [low, high] = [0, this.#list.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      let place = middle;
      while (place > low && this.#list[place] === undefined) place--;
      const cursor = this.#list[place]?.row?.cursor;
      if (cursor === undefined || compareIds(cursor, oldest) < 0) low = middle + 1;
      else high = place;
    }
    return low;
  }

  #sort(): void {
    this.#pack();
    this.#list.sort((a, b) => compareIds(a?.row?.cursor ?? '', b?.row?.cursor ?? ''));
    this.#number();
    this.#isDisordered = false;
  }

  #pack(): void {
    this.#list = this.#list.filter((one) => one !== undefined);
    this.#gaps = 0;
    this.#number();
  }

  #number(): void {
    this.#list.forEach((one, place) => {
      if (one !== undefined) one.place = place;
    });
  }
}

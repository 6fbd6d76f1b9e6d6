import type { Kept } from './kept.ts';
import type { Row } from './row.ts';
import { compareIds } from './stream-id.ts';

/** Occurrences by the cursors of their rows. Linked, since each entry moves one to the top of 100,000. */
export class NewestFirst {
  #newest: Kept | undefined;
  #oldest: Kept | undefined;

  /** Puts one where its new row belongs: at the top, where entries come in order. */
  place(one: Kept, row: Row): void {
    if (one.row?.cursor === row.cursor) {
      // What is trimmed stays where it is: far from the top.
      one.row = row;
      return;
    }
    this.remove(one);
    one.row = row;
    let older = this.#newest;
    while (older?.row !== undefined && compareIds(older.row.cursor, row.cursor) > 0) {
      older = older.older;
    }
    this.#join(older === undefined ? this.#oldest : older.newer, one);
    this.#join(one, older);
  }

  remove(one: Kept): void {
    if (one.row === undefined) return;
    this.#join(one.newer, one.older);
    one.row = undefined;
    one.newer = undefined;
    one.older = undefined;
  }

  *rows(): Generator<Row> {
    for (let one = this.#newest; one?.row !== undefined; one = one.older) yield one.row;
  }

  #join(newer: Kept | undefined, older: Kept | undefined): void {
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
  }
}

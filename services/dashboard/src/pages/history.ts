import type { Entry } from '@openfero/core/history/entry';
import type { ModeChange } from '@openfero/core/history/fold';
import type { Row } from '@openfero/core/history/row';

/** What the pages read of the history. */
export interface History {
  /** Why there are no rows to show yet, in one line; undefined where there are. */
  problem(): string | undefined;
  /** Newest first. */
  rows(): Iterable<Row>;
  /** By keyOf. */
  row(key: string): Row | undefined;
  rowOfRemediation(id: string): Row | undefined;
  /** All entries about an occurrence, oldest first, read from Redis. */
  entriesOf(key: string): Promise<readonly (readonly [id: string, entry: Entry])[]>;
  /** Changes of the switch, newest first. */
  readonly modes: readonly ModeChange[];
  /** The ids of the oldest and of the newest entry; undefined where there is none. */
  readonly span: { readonly first: string; readonly last: string } | undefined;
  /** Calls back with the rows that are new or have changed, oldest first; undefined where all may have. */
  subscribe(listener: (changed: readonly Row[] | undefined) => void): () => void;
}

import type { DefinitionEntry, ModeEntry, RearmedEntry, StoppedEntry } from './entry.ts';
import { isAsNew } from './kept.ts';
import { compareIds } from './stream-id.ts';

/** A change of the switch, with its entry. */
export type ModeChange = ModeEntry & { readonly entry: string };

/** An operarius was stopped, or runs again, with its entry. */
export type StopChange = (StoppedEntry | RearmedEntry) & { readonly entry: string };

/** An operarius is another one, with its entry. */
export type DefinitionChange = DefinitionEntry & { readonly entry: string };

/** Changes of the switch that are kept, and of what is stopped: a page shows the last few. */
const CHANGES = 100;

/** Of one operarius. Its first ones come all at once, so that one bound for all would forget nearly each. */
const OF_ONE = 10;

/** What the history says of others than alerts, the latest first. */
export class Changes {
  #modes: readonly ModeChange[] = [];
  #stops: readonly StopChange[] = [];
  readonly #definitions = new Map<string, readonly DefinitionChange[]>();

  /** The latest changes of the switch. */
  get modes(): readonly ModeChange[] {
    return this.#modes;
  }

  /** How operarii were stopped and re-armed. */
  get stops(): readonly StopChange[] {
    return this.#stops;
  }

  /** How an operarius was changed. */
  definitionsOf(operarius: string): readonly DefinitionChange[] {
    return this.#definitions.get(operarius) ?? [];
  }

  /** @param id of the entry in the stream */
  add(id: string, entry: ModeEntry | StoppedEntry | RearmedEntry | DefinitionEntry): void {
    switch (entry.kind) {
      case 'mode':
        this.#modes = withChange(this.#modes, { ...entry, entry: id }, CHANGES);
        break;
      case 'definition': {
        const { operarius } = entry;
        const known = this.definitionsOf(operarius);
        this.#definitions.set(operarius, withChange(known, { ...entry, entry: id }, OF_ONE));
        break;
      }
      case 'stopped':
      case 'rearmed':
        this.#stops = withChange(this.#stops, { ...entry, entry: id }, CHANGES);
    }
  }

  /** Forgets the entries older than this one. */
  trim(oldest: string): void {
    this.#modes = this.#modes.filter((one) => isAsNew(one, oldest));
    this.#stops = this.#stops.filter((one) => isAsNew(one, oldest));
    for (const [operarius, known] of this.#definitions) {
      const left = known.filter((one) => isAsNew(one, oldest));
      if (left.length === 0) this.#definitions.delete(operarius);
      else this.#definitions.set(operarius, left);
    }
  }
}

function withChange<T extends { readonly entry: string }>(
  changes: readonly T[],
  change: T,
  most: number,
): readonly T[] {
  const others = changes.filter(({ entry }) => entry !== change.entry);
  return [change, ...others].sort((a, b) => compareIds(b.entry, a.entry)).slice(0, most);
}

import type { DefinitionChange } from './changes.ts';

/** What the history says of a version of an operarius. */
export interface Version {
  /** The change that brought it into force; undefined where that is not known any more. */
  readonly began: DefinitionChange | undefined;
  /** The next change after it; undefined where none is known. */
  readonly next: DefinitionChange | undefined;
  /** How many more changes are known since. */
  readonly more: number;
}

/**
 * Finds the changes around the version that decided something. It may have been in force more than once: then
 * the last time before that counts.
 *
 * @param changes of the operarius, the latest first
 * @param at when it decided, milliseconds
 */
export function versionOf(
  changes: readonly DefinitionChange[],
  definition: string,
  at: number,
): Version {
  // Else only its check says something else.
  const all = changes.filter((one) => one.before !== one.definition).reverse();
  const isBegin = (one: DefinitionChange | undefined): boolean => one?.definition === definition;
  // A change is written once it is checked: a version may have decided something before.
  const written = all.find((one) => one.at > at);
  const known = all.findLast((one) => one.at <= at && isBegin(one));
  const began = known ?? (isBegin(written) ? written : undefined);
  const since =
    began === undefined
      ? all.slice(indexOf(all, (one) => one.before === definition && one.at >= at))
      : all.slice(all.indexOf(began) + 1);
  return { began, next: since[0], more: Math.max(0, since.length - 1) };
}

/** The length where there is none. */
function indexOf<T>(all: readonly T[], is: (one: T) => boolean): number {
  const index = all.findIndex(is);
  return index === -1 ? all.length : index;
}

import { oneLine } from '../one-line.ts';
import { below, error, type Finding, type FindingId, textOf } from './findings.ts';

/** The definition is wrong: terminal, and its message goes to the author. One line. */
export class InvalidOperarius extends Error {
  /** Errors only, at least one. */
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super(oneLine(findings.map(textOf).join('; ')));
    this.findings = findings;
  }

  /** The same, with the field that it is about: see {@link Finding.path}. */
  at(path: string): InvalidOperarius {
    return new InvalidOperarius(below(path, this.findings));
  }
}

/** The same with one finding. */
export function invalid(
  id: FindingId,
  place: string,
  message: string,
  fix?: string,
): InvalidOperarius {
  return new InvalidOperarius([error(id, place, message, fix)]);
}

/** Calls it, and names the field in what it throws. @throws {InvalidOperarius} */
export function withPath<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof InvalidOperarius)) throw thrown;
    throw thrown.at(path);
  }
}

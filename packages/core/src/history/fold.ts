import { Changes } from './changes.ts';
import { deriveRow, type Known } from './derive.ts';
import type { ActEntry, EndEntry, Entry, HeldEntry } from './entry.ts';
import { Jobs, partsOf } from './jobs.ts';
import { hasOlder, isAsNew, type Kept, keep, type Remediation, trimKept } from './kept.ts';
import { NewestFirst } from './newest-first.ts';
import { type Acted, type JobFate, keyOf, type OfJob, type Row } from './row.ts';
import { compareIds } from './stream-id.ts';

/** That a remediation created a Job. */
export interface Created {
  readonly operarius: string;
  /** Milliseconds, Redis' clock. */
  readonly at: number;
  readonly row: Row;
  /** Undefined where its end does not name it. */
  readonly job: JobFate | undefined;
}

/** What is about a Job. */
type OfJobEntry = Extract<Entry, { readonly kind: 'asked' | 'decided' | 'fate' | 'effect' }>;

/**
 * Folds the entries of the history to rows. Entries may come in any order, twice, and trimmed at their
 * old end: the rows are those of the same entries read once and in order. Rows follow at
 * {@link Fold.settle}, once for many entries.
 */
export class Fold {
  readonly #occurrences = new Map<string, Kept>();
  readonly #remediations = new Map<string, Remediation>();
  readonly #jobs = new Jobs<Kept>();
  readonly #acts = new Map<string, Acted>();
  readonly #list = new NewestFirst();
  readonly #unsettled = new Set<Kept>();
  /** Of the switch, of what is stopped, and of definitions. */
  readonly changes = new Changes();
  readonly #known: Known = {
    jobOf: (name) => this.#jobs.get(name),
    actOn: (remediation) => this.#acts.get(remediation),
  };

  /** Of occurrences. */
  get size(): number {
    return this.#occurrences.size;
  }

  /** The rows, newest first. @param oldest the cursor at which to end: none is older */
  rows(oldest = ''): Iterable<Row> {
    return this.#list.rows(oldest);
  }

  /** The row of an occurrence, see keyOf. */
  row(key: string): Row | undefined {
    return this.#occurrences.get(key)?.row;
  }

  rowOfRemediation(id: string): Row | undefined {
    return this.#remediations.get(id)?.of.row;
  }

  /** The remediations that created a Job, also those that no row shows: of a repetition, or a rerun. */
  *created(): Generator<Created> {
    for (const { of, end } of this.#remediations.values()) {
      if (end?.outcome !== 'created' || of.row === undefined) continue;
      const { operarius, at, job = '' } = end;
      yield { operarius, at, row: of.row, job: this.#jobs.get(job) };
    }
  }

  /** The ids of all entries about an occurrence, oldest first: what its story is read from. */
  entriesOf(key: string): string[] {
    const { remediations = [], replaced = [] } = this.#occurrences.get(key) ?? {};
    const { jobOf, actOn } = this.#known;
    const known = remediations.flatMap(({ id, end, held }) => {
      const job = jobOf(end?.job ?? '');
      return [end, held, actOn(id), ...(job === undefined ? [] : partsOf(job))];
    });
    const ids = known.map((one) => one?.entry).filter((id) => id !== undefined);
    return [...new Set([...replaced, ...ids])].sort(compareIds);
  }

  /** @param id of the entry in the stream */
  add(id: string, entry: Entry): void {
    switch (entry.kind) {
      case 'end':
      case 'held':
        this.#addOwn(id, entry);
        break;
      case 'act':
        this.#addAct(id, entry);
        break;
      case 'asked':
      case 'decided':
      case 'fate':
      case 'effect':
        for (const kept of this.#addOfJob(id, entry)) this.#unsettle(kept);
        break;
      case 'mode':
      case 'stopped':
      case 'rearmed':
      case 'definition':
        this.changes.add(id, entry);
    }
  }

  /** Makes the rows of what was added or trimmed. @returns the new and the changed, oldest first */
  settle(): Row[] {
    const known = this.#known;
    const changed = Array.from(this.#unsettled, (kept) => ({ kept, row: deriveRow(kept, known) }));
    this.#unsettled.clear();
    changed.sort((a, b) => compareIds(a.row.cursor, b.row.cursor));
    for (const { kept, row } of changed) this.#list.place(kept, row);
    return changed.map(({ row }) => row);
  }

  /** Forgets the entries older than this one, as the stream does. */
  trim(oldest: string): void {
    for (const [id, acted] of this.#acts) {
      if (isAsNew(acted, oldest)) continue;
      this.#acts.delete(id);
      this.#unsettle(this.#remediations.get(id)?.of);
    }
    for (const kept of this.#jobs.trim(oldest)) this.#unsettle(kept);
    for (const kept of this.#occurrences.values()) {
      if (hasOlder(kept, oldest)) this.#trimOne(kept, oldest);
    }
    this.changes.trim(oldest);
  }

  #addOwn(id: string, entry: EndEntry | HeldEntry): void {
    const remediation = this.#remediationOf(entry);
    const { of, end } = remediation;
    keep(remediation, id, entry);
    if (remediation.end?.job !== undefined) this.#jobs.use(remediation.end.job, of);
    this.#leaveJobs(of, [end?.job]);
    this.#unsettle(of);
  }

  /** @returns the occurrences that it changes */
  #addOfJob(id: string, entry: OfJobEntry): readonly Kept[] {
    const { job } = entry;
    const remediation = this.#remediations.get(entry.id)?.id ?? entry.id;
    const told: OfJob = { entry: id, remediation };
    switch (entry.kind) {
      case 'asked': {
        const { at, until } = entry;
        return this.#jobs.tell(job, 'asked', { at, until, ...told });
      }
      case 'decided': {
        const { decision, by, how, at } = entry;
        return this.#jobs.tell(job, 'decided', { decision, by, how, at, ...told });
      }
      case 'fate': {
        const { fate, reason, createdAt, endedAt } = entry;
        return this.#jobs.tell(job, 'fate', { fate, reason, createdAt, endedAt, ...told });
      }
      case 'effect': {
        const { effect, at } = entry;
        return this.#jobs.tell(job, 'effect', { effect, at, ...told });
      }
    }
  }

  #addAct(id: string, { id: remediation, act, user, at }: ActEntry): void {
    // That is about an operarius.
    if (act === 'rearm' || isAsNew(this.#acts.get(remediation), id)) return;
    this.#acts.set(remediation, { act, user, at, entry: id });
    this.#unsettle(this.#remediations.get(remediation)?.of);
  }

  #remediationOf(subject: EndEntry | HeldEntry): Remediation {
    const known = this.#remediations.get(subject.id);
    if (known !== undefined) return known;
    const of = this.#occurrenceOf(subject);
    const remediation = { id: subject.id, of, end: undefined, held: undefined };
    addRemediation(of, remediation);
    this.#remediations.set(subject.id, remediation);
    return remediation;
  }

  #occurrenceOf(subject: EndEntry | HeldEntry): Kept {
    const key = keyOf(subject);
    const known = this.#occurrences.get(key);
    if (known !== undefined) return known;
    const { fingerprint, startsAt } = subject;
    const kept: Kept = {
      key,
      fingerprint,
      startsAt,
      remediations: [],
      replaced: undefined,
      row: undefined,
      place: 0,
    };
    this.#occurrences.set(key, kept);
    return kept;
  }

  #unsettle(kept: Kept | undefined): void {
    if (kept !== undefined) this.#unsettled.add(kept);
  }

  #trimOne(kept: Kept, oldest: string): void {
    const jobs = kept.remediations.map(({ end }) => end?.job);
    for (const { id } of trimKept(kept, oldest)) this.#remediations.delete(id);
    this.#leaveJobs(kept, jobs);
    this.#unsettle(kept);
    if (kept.remediations.length > 0) return;
    this.#occurrences.delete(kept.key);
    this.#unsettled.delete(kept);
    this.#list.remove(kept);
  }

  /** Leaves the Jobs that no end of the occurrence names any more. */
  #leaveJobs(kept: Kept, jobs: readonly (string | undefined)[]): void {
    for (const job of jobs) {
      if (job === undefined || kept.remediations.some(({ end }) => end?.job === job)) continue;
      this.#jobs.leave(job, kept);
    }
  }
}

/** An array that grows keeps room for 17, and most occurrences have one or two: these are copied. */
const FEW = 8;

function addRemediation(kept: Kept, remediation: Remediation): void {
  if (kept.remediations.length < FEW) kept.remediations = kept.remediations.concat(remediation);
  else kept.remediations.push(remediation);
}

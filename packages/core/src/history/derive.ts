import type { AlertStatus } from '../alert.ts';
import { partsOf } from './jobs.ts';
import { type Kept, newestOf, type Remediation } from './kept.ts';
import { marksOf } from './marks.ts';
import { type Acted, type Handled, type Heard, isHeld, type JobFate, type Row } from './row.ts';
import { textOf } from './search.ts';
import { compareIds } from './stream-id.ts';

/** What is known of a remediation besides its own entries. */
export interface Known {
  readonly jobOf: (name: string) => JobFate | undefined;
  readonly actOn: (remediation: string) => Acted | undefined;
}

/** The row of an occurrence from all of its remediations, at least one. Their order means nothing. */
export function deriveRow({ fingerprint, startsAt, remediations }: Kept, known: Known): Row {
  const lastEnd = latest(remediations, ({ end }) => end);
  const show = (status: AlertStatus): Handled | undefined => {
    const shown = shownOf(remediations, status, known);
    return shown && handledOf(shown, known);
  };
  const firing = show('firing');
  const resolved = show('resolved');
  const alertname = latest(remediations, newestOf)?.alertname ?? '';
  const labels = lastEnd?.labels ?? NO_LABELS;
  return {
    fingerprint,
    startsAt,
    alertname,
    labels,
    groupKey: lastEnd?.groupKey ?? '',
    firing,
    resolved,
    heard: heardOf(remediations),
    since: sinceOf(remediations),
    cursor: cursorOf(remediations, known),
    marks: marksOf({ firing, resolved }),
    text: textOf({ fingerprint, alertname, labels, firing, resolved }),
  };
}

const NO_LABELS: Row['labels'] = Object.freeze({});

function handledOf(remediation: Remediation, { jobOf, actOn }: Known): Handled {
  const { id, end, held } = remediation;
  return {
    id,
    operarius: newestOf(remediation)?.operarius ?? '',
    receivedAt: end?.receivedAt,
    end,
    held,
    job: end?.job === undefined ? undefined : jobOf(end.job),
    act: actOn(id),
  };
}

function latest<T extends { readonly entry: string }>(
  remediations: readonly Remediation[],
  of: (remediation: Remediation) => T | undefined,
): T | undefined {
  let last: T | undefined;
  for (const remediation of remediations) {
    const one = of(remediation);
    if (one !== undefined && compareIds(one.entry, last?.entry ?? '') > 0) last = one;
  }
  return last;
}

/** Which one a row shows of those with this status: see {@link Row.firing}. */
function shownOf(
  remediations: readonly Remediation[],
  status: AlertStatus,
  known: Known,
): Remediation | undefined {
  const those = remediations.filter((one) => newestOf(one)?.status === status);
  if (those.length < 2) return those[0];
  const held = those.filter(({ id, end, held }) => isHeld({ end, held, act: known.actOn(id) }));
  if (held.length > 0) return lastOf(held);
  const created = those.filter(({ end }) => end?.outcome === 'created');
  return lastOf(created.length > 0 ? created : those);
}

function lastOf(remediations: readonly Remediation[]): Remediation | undefined {
  const entry = latest(remediations, newestOf)?.entry;
  return remediations.find((one) => newestOf(one)?.entry === entry);
}

function heardOf(remediations: readonly Remediation[]): Heard | undefined {
  let last: Remediation['end'];
  for (const { end } of remediations) {
    if (end !== undefined && isLater(end, last)) last = end;
  }
  return last && { status: last.status, at: last.resolvedAt ?? last.receivedAt };
}

type End = NonNullable<Remediation['end']>;

function isLater(one: End, other: End | undefined): boolean {
  const later = one.receivedAt - (other?.receivedAt ?? -1);
  return later > 0 || (later === 0 && compareIds(one.entry, other?.entry ?? '') > 0);
}

/** Milliseconds. What is held was received before; when, no entry says. */
function sinceOf(remediations: readonly Remediation[]): number {
  let since = Number.POSITIVE_INFINITY;
  for (const { end, held } of remediations) {
    since = Math.min(since, end?.receivedAt ?? since, held?.at ?? since);
  }
  return since;
}

/**
 * The newest entry that is about this occurrence and no other, so that no two rows have the same
 * cursor: the fate of a Job that another occurrence created is about that one.
 */
function cursorOf(remediations: readonly Remediation[], { jobOf, actOn }: Known): string {
  let cursor = '';
  for (const one of remediations) {
    const job = jobOf(one.end?.job ?? '');
    const said = job === undefined ? [] : partsOf(job);
    const own = said.filter(({ remediation }) => remediation === one.id);
    for (const { entry } of [newestOf(one), ...own, actOn(one.id)].filter(
      (each) => each !== undefined,
    )) {
      if (compareIds(entry, cursor) > 0) cursor = entry;
    }
  }
  return cursor;
}

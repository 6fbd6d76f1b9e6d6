import type { AlertStatus, Texts } from '../alert.ts';
import type { Instant } from '../instant.ts';
import type { EndEntry, HeldEntry } from './entry.ts';
import type { Ended, Held, Row } from './row.ts';
import { compareIds } from './stream-id.ts';

/** An occurrence as the fold keeps it. */
export interface Kept {
  readonly key: string;
  readonly fingerprint: string;
  readonly startsAt: Instant;
  remediations: Remediation[];
  /** Entries that newer ones have replaced: only the story of the occurrence needs them. */
  replaced: string[] | undefined;
  /** Undefined until the fold settles. */
  row: Row | undefined;
  /** Where it is in the list of NewestFirst, once there is a row. */
  place: number;
}

/** All that is kept of one remediation: its newest end, and the newest reason why it was held. */
export interface Remediation {
  readonly id: string;
  readonly of: Kept;
  end: KnownEnd | undefined;
  held: KnownHeld | undefined;
}

/** What each entry says of its subject: the newest one counts. */
interface Said {
  readonly status: AlertStatus;
  readonly alertname: string;
  readonly operarius: string;
}

interface KnownEnd extends Ended, Said {
  readonly labels: Readonly<Record<string, string>>;
  readonly groupKey: string;
  readonly receivedAt: number;
  /** Milliseconds; undefined where the alert has not ended after its start. */
  readonly resolvedAt: number | undefined;
  readonly job: string | undefined;
}

interface KnownHeld extends Held, Said {}

/** Whether what is known is not older than this entry. */
export const isAsNew = (known: { readonly entry: string } | undefined, entry: string): boolean =>
  known !== undefined && compareIds(known.entry, entry) >= 0;

/** The newer of both; undefined where neither is known. */
export function newestOf({ end, held }: Remediation): KnownEnd | KnownHeld | undefined {
  return isAsNew(end, held?.entry ?? '') ? end : held;
}

/** Keeps an entry of the remediation, unless a newer one of its kind is kept. */
export function keep(remediation: Remediation, id: string, entry: EndEntry | HeldEntry): void {
  const { of } = remediation;
  const known = entry.kind === 'end' ? remediation.end : remediation.held;
  const isNew = !isAsNew(known, id);
  if (known !== undefined && known.entry !== id) {
    of.replaced ??= [];
    of.replaced.push(isNew ? known.entry : id);
  }
  if (!isNew) return;
  if (entry.kind === 'end') remediation.end = endOf(id, entry, of);
  else remediation.held = heldOf(id, entry);
}

/** Whether anything of it is older than an entry. */
export function hasOlder({ remediations, replaced = [] }: Kept, oldest: string): boolean {
  return (
    remediations.some(({ end, held }) => isOlder(end, oldest) || isOlder(held, oldest)) ||
    replaced.some((entry) => compareIds(entry, oldest) < 0)
  );
}

/** Forgets what is older than an entry. @returns the remediations of which nothing is left */
export function trimKept(kept: Kept, oldest: string): readonly Remediation[] {
  kept.replaced = kept.replaced?.filter((entry) => compareIds(entry, oldest) >= 0);
  for (const one of kept.remediations) {
    if (isOlder(one.end, oldest)) one.end = undefined;
    if (isOlder(one.held, oldest)) one.held = undefined;
  }
  const gone = kept.remediations.filter((one) => newestOf(one) === undefined);
  if (gone.length > 0)
    kept.remediations = kept.remediations.filter((one) => newestOf(one) !== undefined);
  return gone;
}

const isOlder = (known: { readonly entry: string } | undefined, oldest: string): boolean =>
  known !== undefined && !isAsNew(known, oldest);

/** The parts of the entry, not the entry: what has been parsed takes twice the memory. */
function endOf(entry: string, from: EndEntry, of: Kept): KnownEnd {
  return {
    outcome: from.outcome,
    reason: from.reason,
    at: from.endedAt,
    warnings: from.warnings ?? NONE,
    definition: from.definition,
    entry,
    status: from.status,
    alertname: from.alertname,
    operarius: from.operarius,
    labels: sharedLabels(from.labels, of),
    groupKey: from.groupKey,
    receivedAt: from.receivedAt,
    resolvedAt: resolvedAtOf(from),
    job: from.job,
  };
}

function resolvedAtOf({ status, startsAt, endsAt }: EndEntry): number | undefined {
  const hasEnded = status === 'resolved' && endsAt !== undefined && endsAt > startsAt;
  return hasEnded ? Date.parse(endsAt) : undefined;
}

/** Those of the occurrence that are kept already: nearly always they are the same. */
function sharedLabels(labels: Texts, { remediations }: Kept): Texts {
  const known = remediations.at(-1)?.end?.labels ?? remediations[0]?.end?.labels;
  if (known === undefined) return labels;
  const names = Object.keys(labels);
  const isSame =
    names.length === Object.keys(known).length &&
    names.every((name) => Object.hasOwn(known, name) && known[name] === labels[name]);
  return isSame ? known : labels;
}

const NONE: readonly string[] = [];

function heldOf(entry: string, from: HeldEntry): KnownHeld {
  const { reason, by, until, at, status, alertname, operarius } = from;
  return { reason, by, until, at, entry, status, alertname, operarius };
}

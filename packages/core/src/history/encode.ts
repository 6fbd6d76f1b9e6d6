import type { Texts } from '../alert.ts';
import { bytesOf, contentBytes, cut, EMPTY_BYTES, fitting } from '../cut.ts';
import type { EndEntry, Entry, FateEntry, HeldEntry, Subject } from './entry.ts';

/** Bytes of an entry's JSON, whatever the alert holds: 200,000 entries must stay far below 1 GB. */
export const ENTRY_LIMIT = 2_048;

/** Characters, of which the last one says that more was cut off. */
const LABEL_LENGTH = 256;
const REASON_LENGTH = 512;
/** One warning; those of a Job are a few lines each. */
const WARNING_LENGTH = 256;

/** Bytes of JSON: control characters and other scripts take more bytes than characters. */
const NAME_BYTES = 256;

/** Labels that say where and how bad, kept before others where not all have room. */
const FIRST_LABELS = [
  ...['alertname', 'namespace', 'severity', 'cluster', 'pod', 'container', 'node', 'instance'],
  ...['job', 'job_name', 'deployment', 'statefulset', 'daemonset', 'persistentvolumeclaim'],
  ...['service', 'device', 'mountpoint', 'reason', 'team', 'env', 'environment', 'region'],
];

/**
 * An entry as the stream holds it: JSON within {@link ENTRY_LIMIT}. Texts are cut at characters, with an
 * ellipsis; labels and warnings that have no room are left out, the usual labels last. What
 * identifies the alert, the remediation and the Job is never cut.
 */
export function encodeEntry(entry: Entry): string {
  switch (entry.kind) {
    case 'end':
      return encodeEnd(entry);
    case 'effect':
    case 'asked':
      return JSON.stringify(boundedSubject(entry));
    case 'stopped':
      return JSON.stringify(entry);
    case 'decided': {
      const by = name(entry.by);
      return JSON.stringify({ ...boundedSubject(entry), by });
    }
    case 'rearmed': {
      const { user, ...rest } = entry;
      return JSON.stringify(user === undefined ? rest : { ...rest, user: name(user) });
    }
    case 'fate':
      return JSON.stringify(withBoundedReason(entry));
    case 'held':
      return JSON.stringify(boundedHeld(entry));
    case 'act': {
      const { user, address } = entry;
      return JSON.stringify({
        ...entry,
        ...{ id: name(entry.id), user: name(user), address: name(address) },
      });
    }
    case 'definition':
      return JSON.stringify({
        ...entry,
        ...(entry.problem !== undefined && {
          problem: cut(entry.problem, REASON_LENGTH, ENTRY_LIMIT / 2),
        }),
      });
    case 'mode':
      return JSON.stringify({
        ...entry,
        source: cut(entry.source, REASON_LENGTH, ENTRY_LIMIT / 2),
      });
  }
}

const name = (text: string): string => cut(text, LABEL_LENGTH, NAME_BYTES);

function encodeEnd(entry: EndEntry): string {
  const whole = JSON.stringify(entry);
  // Nearly all: to cut is ten times the work.
  return bytesOf(whole) <= ENTRY_LIMIT && isShort(entry)
    ? whole
    : JSON.stringify(boundedEnd(entry));
}

/** Whether no text of an entry is longer than it may be. */
function isShort({ alertname, reason, groupKey, labels, warnings = [] }: EndEntry): boolean {
  return (
    contentBytes(alertname) <= NAME_BYTES &&
    reason.length <= REASON_LENGTH &&
    groupKey.length <= LABEL_LENGTH &&
    warnings.every(({ length }) => length <= WARNING_LENGTH) &&
    Object.values(labels).every(({ length }) => length <= LABEL_LENGTH)
  );
}

function boundedEnd(entry: EndEntry): EndEntry {
  const { warnings = [], ...rest } = entry;
  const identity: EndEntry = { ...boundedSubject(rest), reason: '', groupKey: '', labels: {} };
  let left = room(identity);
  const take = <T>(value: T): T => {
    left -= bytesOf(JSON.stringify(value)) - EMPTY_BYTES;
    return value;
  };
  const { alertname } = identity;
  const reserved = bytesOf(JSON.stringify({ alertname }));
  const reason = take(cut(entry.reason, REASON_LENGTH, (left - reserved) / 2));
  const groupKey = take(cut(entry.groupKey, LABEL_LENGTH, (left - reserved) / 4));
  const named = Object.hasOwn(entry.labels, 'alertname') ? { alertname } : {};
  const labels = take(fittingLabels({ ...entry.labels, ...named }, left));
  // The field itself: `,"warnings":[]`.
  const kept = fitting(warnings, WARNING_LENGTH, left - 14);
  return { ...identity, reason, groupKey, labels, ...(kept.length > 0 && { warnings: kept }) };
}

function boundedHeld({ by, ...rest }: HeldEntry): HeldEntry {
  const bounded = withBoundedReason(rest);
  const left = room({ ...bounded, by: '' });
  return by === undefined || left < 0 ? bounded : { ...bounded, by: cut(by, REASON_LENGTH, left) };
}

function withBoundedReason<T extends FateEntry | HeldEntry>(entry: T): T {
  const bounded = { ...boundedSubject(entry), reason: '' };
  return { ...bounded, reason: cut(entry.reason, REASON_LENGTH, room(bounded)) };
}

/** An alertname has no limit of its own; a fingerprint (128 characters) and the names of objects have. */
function boundedSubject<T extends Subject>(subject: T): T {
  return { ...subject, alertname: name(subject.alertname) };
}

const room = (entry: Entry): number => ENTRY_LIMIT - bytesOf(JSON.stringify(entry));

function fittingLabels(labels: Texts, room: number): Texts {
  const names = Object.keys(labels);
  const first = FIRST_LABELS.filter((name) => Object.hasOwn(labels, name));
  let left = room;
  const kept: [string, string][] = [];
  for (const name of new Set([...first, ...names])) {
    const value = cut(labels[name] ?? '', LABEL_LENGTH, ENTRY_LIMIT);
    const bytes = bytesOf(JSON.stringify({ [name]: value }));
    if (bytes > left) continue;
    kept.push([name, value]);
    left -= bytes;
  }
  return Object.fromEntries(kept);
}

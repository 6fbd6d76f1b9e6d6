import type { AlertStatus } from '../alert.ts';
import { isObject, type JsonObject } from '../kubernetes.ts';
import { RejectedAlert } from '../read-alert.ts';
import {
  createSimulation,
  type Simulation,
  type SimulationInput,
  type Verdict,
} from './simulation.ts';

/** An alert that was received, as a line of the history tells. */
export interface RecordedAlert {
  readonly alertname: string;
  readonly labels: Readonly<Record<string, unknown>>;
  readonly status: AlertStatus;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  readonly startsAt: string;
  readonly endsAt: string | undefined;
  readonly groupKey: string;
  readonly fingerprint: string;
  /** What became of it then. */
  readonly outcome: string;
  readonly reason: string;
}

/** A line is none of the history. */
export class InvalidRecord extends Error {}

/**
 * Reads lines of the history: `/history.jsonl`, or `openfero get remediations -o jsonl`.
 *
 * @returns in the order in which they were received
 * @throws {InvalidRecord} naming the line
 */
export function readRecords(text: string): RecordedAlert[] {
  const lines = text.split('\n');
  const records = lines.flatMap((line, i) =>
    line.trim() === '' ? [] : recordsIn(parse(line, i + 1), i + 1),
  );
  return records.sort((a, b) => a.receivedAt - b.receivedAt);
}

function parse(line: string, number: number): JsonObject {
  try {
    const value: unknown = JSON.parse(line);
    if (isObject(value)) return value;
  } catch {
    // Said below.
  }
  throw new InvalidRecord(`line ${number} is no JSON object`);
}

function recordsIn(line: JsonObject, number: number): RecordedAlert[] {
  const { alertname, labels, startsAt } = line;
  if (typeof alertname !== 'string' || !isObject(labels) || typeof startsAt !== 'string') {
    throw new InvalidRecord(
      `line ${number} is no line of the history: it has no alertname, labels or startsAt`,
    );
  }
  const { heard } = line;
  const lastHeard = isObject(heard) ? textAt(heard, 'at') : '';
  const common = {
    ...{ alertname, labels, startsAt },
    ...{ groupKey: textAt(line, 'groupKey'), fingerprint: textAt(line, 'fingerprint') },
  };
  return STATUSES.flatMap((status) => {
    const handled = line[status];
    const endsAt = status === 'resolved' && lastHeard !== '' ? lastHeard : undefined;
    return isObject(handled) ? recordOf(handled, { ...common, status, endsAt }) : [];
  });
}

const STATUSES = ['firing', 'resolved'] as const;

/** None where it has not ended: nobody knows when it was received. */
function recordOf(
  handled: JsonObject,
  alert: Omit<RecordedAlert, 'receivedAt' | 'outcome' | 'reason'>,
): RecordedAlert[] {
  const receivedAt = Date.parse(textAt(handled, 'receivedAt'));
  if (Number.isNaN(receivedAt)) return [];
  const outcome = textAt(handled, 'outcome') || textAt(handled, 'state');
  return [{ ...alert, receivedAt, outcome, reason: textAt(handled, 'reason') }];
}

function textAt(value: JsonObject, key: string): string {
  const text = value[key];
  return typeof text === 'string' ? text : '';
}

/** What becomes of a recorded alert with other definitions. */
export interface Replayed {
  readonly outcome: string;
  readonly reason: string;
}

/** Milliseconds that a Job takes in a replay: nobody knows how long one of a changed definition would. */
const JOB_TIME = 60_000;

/**
 * Sends recorded alerts through definitions, at the times at which they were received. Each Job ends after a
 * minute.
 *
 * @returns one for each record, in order
 */
export function replayRecords(
  records: readonly RecordedAlert[],
  input: Omit<SimulationInput, 'start'>,
): readonly Replayed[] {
  const start = records[0]?.receivedAt ?? 0;
  const simulation = createSimulation({ ...input, start });
  const results: Replayed[] = [];
  const byId = new Map<string, number>();
  const settle = (verdicts: readonly Verdict[]): void => {
    for (const verdict of verdicts) {
      const index = byId.get(verdict.remediation);
      if (index !== undefined) results[index] = resultOf(verdict);
    }
  };
  for (const [i, record] of records.entries()) {
    passTime(simulation, record.receivedAt - simulation.now(), settle);
    const [verdict] = simulation.notify(notificationOf(record));
    if (verdict !== undefined && !(verdict instanceof RejectedAlert) && !verdict.absorbed) {
      byId.set(verdict.remediation, i);
    }
    results[i] = verdict === undefined ? { outcome: '', reason: '' } : resultOf(verdict);
  }
  passTime(simulation, AFTERWARDS, settle);
  return results;
}

/** Milliseconds after the last record, in which what is held still runs or expires. */
const AFTERWARDS = 24 * 3_600_000;

function passTime(
  simulation: Simulation,
  ms: number,
  settle: (verdicts: readonly Verdict[]) => void,
): void {
  const first = Math.max(0, Math.min(ms, JOB_TIME));
  settle(simulation.advance(first));
  if (ms < JOB_TIME) return;
  settle(simulation.finish());
  settle(simulation.advance(ms - first));
}

function resultOf(verdict: Verdict | RejectedAlert): Replayed {
  if (verdict instanceof RejectedAlert)
    return { outcome: 'rejected-alert', reason: verdict.reason };
  const { decision } = verdict;
  return decision.kind === 'hold'
    ? { outcome: 'held', reason: decision.text }
    : { outcome: decision.outcome, reason: decision.reason };
}

function notificationOf(record: RecordedAlert): object {
  const { labels, status, startsAt, endsAt, groupKey, fingerprint } = record;
  const alert = { labels, status, startsAt, fingerprint, ...(endsAt !== undefined && { endsAt }) };
  return { version: '4', status, groupKey, alerts: [alert] };
}

import type { Row } from '@openfero/core/history/row';
import { textOf } from '@openfero/core/history/search';
import type { Live } from '@openfero/core/history/state';
import { type Remediation, readRemediation } from '@openfero/core/redis/remediation';
import type { RedisConnection } from '@openfero/service/redis';
import type { Queue } from 'bullmq';
import { grouped } from './filters.ts';
import { NOTHING } from './history.ts';
import { Address, type Html, html } from './html.ts';
import { nextLook } from './live-state.ts';
import { COLUMNS, occurrenceRow } from './occurrence-row.ts';

/** A remediation that waits or is handled, of which the history knows nothing yet. */
export interface QueuedRow {
  readonly row: Row;
  readonly live: Live;
}

export interface QueueNow {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly rows: readonly QueuedRow[];
}

/** Of each state: the list is about what has ended, and Bull Board shows all of them. */
const SHOWN = 5;

/** Of each state, where a filter is looking for one: 3 ms of Redis where all are of ordinary size. */
const SEARCHED = 300;

/** Bytes of a payload that a list reads: an ordinary one has 1 KiB. */
const LONGEST_PAYLOAD = 64 * 1024;

export interface QueueOptions {
  /** Whether the history has a row of the remediation. */
  readonly isKnown: (remediation: string) => boolean;
  /** What the page looks for; undefined where it shows whatever comes first. */
  readonly passes?: ((row: Row) => boolean) | undefined;
}

export async function readQueue(
  connection: QueueConnection,
  { isKnown, passes }: QueueOptions,
): Promise<QueueNow> {
  const { queue } = connection;
  const {
    waiting = 0,
    active = 0,
    delayed = 0,
  } = await queue.getJobCounts('waiting', 'active', 'delayed');
  const counts = { waiting, active, delayed };
  const rows: QueuedRow[] = [];
  for (const state of STATES.filter((each) => counts[each] > 0)) {
    const last = (passes === undefined ? SHOWN : SEARCHED) - 1;
    const ids = await queue.getRanges([state], 0, last, true);
    const unknown = ids.filter((each) => !isKnown(each));
    const read = await readEach(connection, unknown);
    rows.push(...read.filter(({ row }) => passes?.(row) ?? true).slice(0, SHOWN));
  }
  return { ...counts, rows };
}

const STATES = ['active', 'waiting', 'delayed'] as const;

/** In two round trips. None where it is gone meanwhile, none of ours, or large. */
async function readEach(
  { redis, queue }: QueueConnection,
  ids: readonly string[],
): Promise<readonly QueuedRow[]> {
  if (ids.length === 0) return [];
  const measuring = redis.pipeline();
  for (const id of ids) measuring.hstrlen(queue.toKey(id), 'data');
  const lengths = (await measuring.exec()) ?? [];
  const short = ids.filter((_, index) => Number(lengths[index]?.[1]) <= LONGEST_PAYLOAD);
  const reading = redis.pipeline();
  for (const id of short) {
    reading
      .hmget(queue.toKey(id), 'data', 'processedOn', 'failedReason')
      .zscore(queue.toKey('delayed'), id);
  }
  const answers = (await reading.exec()) ?? [];
  return short.flatMap((_, index) =>
    queuedRow(answers[2 * index]?.[1], answers[2 * index + 1]?.[1]),
  );
}

/** @param fields of BullMQ's hash. @param score among the delayed ones, if it is one */
function queuedRow(fields: unknown, score: unknown): QueuedRow[] {
  const [data, processedOn, failedReason] = Array.isArray(fields) ? fields : [];
  const remediation = readPayload(parsed(data));
  if (remediation === undefined) return [];
  const job = {
    processedOn: processedOn === null ? undefined : Number(processedOn),
    failedReason: typeof failedReason === 'string' ? failedReason : undefined,
  };
  const delayed = typeof score === 'string' ? score : null;
  return [{ row: rowOf(remediation), live: { queue: queuedState(job, remediation, delayed) } }];
}

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}

export interface QueueConnection {
  readonly redis: RedisConnection;
  readonly queue: Queue;
}

/** Undefined where it is no payload of ours. */
export function readPayload(data: unknown): Remediation | undefined {
  try {
    return readRemediation(data);
  } catch {
    return undefined;
  }
}

/** Where a job is that has not ended. @param score its score among the delayed ones, if it is one */
export function queuedState(
  job: { readonly processedOn?: number | undefined; readonly failedReason?: string | undefined },
  { held }: Remediation,
  score: string | null,
): NonNullable<Live['queue']> {
  if (score === null) return { kind: job.processedOn === undefined ? 'waiting' : 'active' };
  const next = nextLook(score);
  return held === undefined
    ? { kind: 'retrying', error: job.failedReason ?? '', next }
    : { kind: 'held', reason: held.reason, until: next };
}

/** The row of a remediation of which there is no entry. */
export function rowOf({ id, receivedAt, group, alert }: Remediation): Row {
  const { labels, fingerprint, startsAt, status } = alert;
  const { alertname = '' } = labels;
  const handled = {
    id,
    operarius: '',
    receivedAt,
    end: undefined,
    held: undefined,
    job: undefined,
    act: undefined,
  };
  return {
    fingerprint,
    startsAt,
    alertname,
    labels,
    groupKey: group.key,
    firing: status === 'firing' ? handled : undefined,
    resolved: status === 'resolved' ? handled : undefined,
    heard: { status, at: receivedAt },
    since: receivedAt,
    cursor: NOTHING,
    marks: 0,
    text: textOf({ alertname, labels, fingerprint }),
  };
}

/** The part of the table for what is not in the history yet. It is replaced while the page is open. */
export function queuedPart({ waiting, active, delayed, rows }: QueueNow, now: number): Html {
  const counts = [
    [active, 'being handled'],
    [waiting, 'waiting'],
    [delayed, 'held or to be retried'],
  ] as const;
  const words = counts
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${grouped(count)} ${word}`);
  if (words.length === 0) return html`<tbody id="queued"></tbody>`;
  const shown = rows.map(({ row, live }) =>
    occurrenceRow(row, { now, liveOf: () => live, isShown: false, mayChange: false }),
  );
  return html`<tbody id="queued"><tr class="group"><th scope="rowgroup" colspan="${COLUMNS.length}">In the <a href="${Address.own('/queue')}">queue</a>: ${words.join(', ')}</th></tr>
${shown}</tbody>`;
}

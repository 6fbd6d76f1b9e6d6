import type { Row } from '@openfero/core/history/row';
import type { Live } from '@openfero/core/history/state';
import { type Remediation, readRemediation } from '@openfero/core/redis/remediation';
import type { Job, Queue } from 'bullmq';
import { type Html, html } from './html.ts';
import type { Redis } from 'ioredis';
import { grouped } from './filters.ts';
import { nextLook } from './live-state.ts';
import { occurrenceRow } from './occurrence-row.ts';

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

/** Bytes of a payload that a list reads: an ordinary one has 1 KiB. */
const LONGEST_PAYLOAD = 64 * 1024;

/** @param isKnown whether the history has a row of the remediation */
export async function readQueue(
  connection: QueueConnection,
  isKnown: (remediation: string) => boolean,
): Promise<QueueNow> {
  const { queue } = connection;
  const { waiting = 0, active = 0, delayed = 0 } = await queue.getJobCounts('waiting', 'active', 'delayed');
  const counts = { waiting, active, delayed };
  if (waiting + active + delayed === 0) return { ...counts, rows: [] };
  const rows: QueuedRow[] = [];
  for (const state of ['active', 'waiting', 'delayed'] as const) {
    if (counts[state] === 0) continue;
    for (const id of await queue.getRanges([state], 0, SHOWN - 1, true)) {
      const row = isKnown(id) ? undefined : await readOne(connection, id, state);
      if (row !== undefined) rows.push(row);
    }
  }
  return { ...counts, rows };
}

type QueueState = 'active' | 'waiting' | 'delayed';

async function readOne(
  { redis, queue }: QueueConnection,
  id: string,
  state: QueueState,
): Promise<QueuedRow | undefined> {
  if ((await redis.hstrlen(queue.toKey(id), 'data')) > LONGEST_PAYLOAD) return undefined;
  const job = await queue.getJob(id);
  const remediation = job && readPayload(job.data);
  if (job === undefined || remediation === undefined) return undefined;
  const score = state === 'delayed' ? await redis.zscore(queue.toKey('delayed'), id) : null;
  return { row: rowOf(remediation), live: { queue: queuedState(job, remediation, score) } };
}

export interface QueueConnection {
  readonly redis: Redis;
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
  job: Job,
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
  const handled = { id, operarius: '', receivedAt, end: undefined, held: undefined, job: undefined, act: undefined };
  return {
    fingerprint,
    startsAt,
    alertname: labels['alertname'] ?? '',
    labels,
    groupKey: group.key,
    firing: status === 'firing' ? handled : undefined,
    resolved: status === 'resolved' ? handled : undefined,
    heard: { status, at: receivedAt },
    since: receivedAt,
    cursor: '0-0',
  };
}

/** What is not in the history yet. The element is replaced while the page is open. */
export function queuedPart({ waiting, active, delayed, rows }: QueueNow, now: number): Html {
  if (waiting + active + delayed === 0) return html`<div id="queued"></div>`;
  const counts = [
    [active, 'being handled'],
    [waiting, 'waiting'],
    [delayed, 'held or to be retried'],
  ] as const;
  const words = counts.filter(([count]) => count > 0).map(([count, word]) => `${grouped(count)} ${word}`);
  return html`<div id="queued" class="queued"><p>In the <a href="/queue">queue</a>: ${words.join(', ')}</p>
${
  rows.length > 0 &&
  html`<table><caption class="visually-hidden">In the queue, the next ones</caption>
<thead class="visually-hidden"><tr>${['When', 'Alert', 'State', 'Why', 'Operarius', 'Job', 'Fate', 'Helped'].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map(({ row, live }) => occurrenceRow(row, { now, liveOf: () => live, isShown: false }))}</tbody></table>`
}</div>`;
}

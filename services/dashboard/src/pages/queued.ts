import type { Row } from '@openfero/core/history/row';
import type { Live } from '@openfero/core/history/state';
import { type Remediation, readRemediation } from '@openfero/core/redis/remediation';
import type { RedisConnection } from '@openfero/service/redis';
import type { Job, Queue } from 'bullmq';
import { grouped } from './filters.ts';
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

/** Bytes of a payload that a list reads: an ordinary one has 1 KiB. */
const LONGEST_PAYLOAD = 64 * 1024;

/** @param isKnown whether the history has a row of the remediation */
export async function readQueue(
  connection: QueueConnection,
  isKnown: (remediation: string) => boolean,
): Promise<QueueNow> {
  const { queue } = connection;
  const {
    waiting = 0,
    active = 0,
    delayed = 0,
  } = await queue.getJobCounts('waiting', 'active', 'delayed');
  const counts = { waiting, active, delayed };
  if (waiting + active + delayed === 0) return { ...counts, rows: [] };
  const rows: QueuedRow[] = [];
  for (const state of STATES.filter((each) => counts[each] > 0)) {
    const ids = await queue.getRanges([state], 0, SHOWN - 1, true);
    for (const id of ids.filter((each) => !isKnown(each))) {
      rows.push(...(await readOne(connection, id, state)));
    }
  }
  return { ...counts, rows };
}

const STATES = ['active', 'waiting', 'delayed'] as const;

type QueueState = 'active' | 'waiting' | 'delayed';

/** None where it is gone meanwhile, none of ours, or large. */
async function readOne(
  { redis, queue }: QueueConnection,
  id: string,
  state: QueueState,
): Promise<readonly QueuedRow[]> {
  if ((await redis.hstrlen(queue.toKey(id), 'data')) > LONGEST_PAYLOAD) return [];
  const job = await queue.getJob(id);
  const remediation = job && readPayload(job.data);
  if (job === undefined || remediation === undefined) return [];
  const score = state === 'delayed' ? await redis.zscore(queue.toKey('delayed'), id) : null;
  return [{ row: rowOf(remediation), live: { queue: queuedState(job, remediation, score) } }];
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

import { fingerprintOf } from '@openfero/core/alert';
import { encodeEntry } from '@openfero/core/history/encode';
import type { EndEntry, Entry, FateEntry, HeldEntry, Subject } from '@openfero/core/history/entry';
import { instantOf } from '@openfero/core/instant';
import type { End } from '@openfero/core/outcome';
import type { Question } from '@openfero/core/redis/approvals';
import { historyKey } from '@openfero/core/redis/history';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { type Closing, type Dashboard, startDashboard } from '../dashboard.ts';
import { type TestQueue, testQueue } from '../remediations.ts';

export const MINUTE = 60_000;

/** An alert of the tests. Each name is another fingerprint. */
export interface Case {
  readonly name: string;
  readonly at?: number;
  readonly labels?: Readonly<Record<string, string>>;
}

/** When alerts come where a test does not say. */
const AT = Date.now() - 10 * MINUTE;

export const idOf = (name: string): string =>
  `id-of-${name}`.toLowerCase().replace(/[^a-z0-9-]/g, '-');

export function subjectOf({ name, at = AT }: Case): Subject {
  return {
    id: idOf(name),
    alertname: name,
    status: 'firing',
    fingerprint: fingerprintOf({ alertname: name }),
    startsAt: instantOf(at - 30_000),
    operarius: `openfero-${name.toLowerCase().replace(/[^a-z0-9-]/g, '-')}-firing`,
  };
}

export function end(
  given: Case,
  outcome: End,
  more: Partial<Omit<EndEntry, 'kind' | 'outcome'>> = {},
): EndEntry {
  const { at = AT } = given;
  const subject = subjectOf(given);
  return {
    ...{ ...subject, kind: 'end', outcome, reason: `${outcome} for a reason`, groupKey: '{}:{}' },
    labels: { alertname: given.name, namespace: 'shop', severity: 'critical', ...given.labels },
    ...{ receivedAt: at, endedAt: at + 100 },
    ...(outcome === 'created' && { job: `${subject.operarius}-0123456789` }),
    ...more,
  };
}

/** The alert has resolved so many minutes after it was received. */
export function resolved(given: Case, minutes: number): EndEntry {
  const { at = AT } = given;
  const receivedAt = at + minutes * MINUTE;
  const id = `${idOf(given.name)}-resolved`;
  const { job: _none, ...rest } = end(given, 'no-operarius');
  return {
    ...{ ...rest, id, status: 'resolved', operarius: '', receivedAt, endedAt: receivedAt },
    endsAt: instantOf(receivedAt),
  };
}

/** The Job ended a minute after it was created. */
export function fate(given: Case, how: FateEntry['fate'], reason = ''): FateEntry {
  const { at = AT } = given;
  const subject = subjectOf(given);
  return {
    ...{ ...subject, kind: 'fate', fate: how, reason, job: `${subject.operarius}-0123456789` },
    ...{ uid: `uid-${given.name}`, createdAt: at + 100, endedAt: at + MINUTE },
  };
}

export function held(given: Case, reason: string): HeldEntry {
  const { at = AT } = given;
  return { ...subjectOf(given), kind: 'held', reason, until: at + 20 * MINUTE, at };
}

/** The Job of the alert waits for a person. */
export function questionOf(name: string): Question {
  const { alertname, fingerprint, operarius } = subjectOf({ name });
  return {
    ...{ uid: `uid-${name}`, job: `${operarius}-0123456789`, operarius, alertname, fingerprint },
    ...{ startsAt: instantOf(Date.now()), remediation: idOf(name) },
    labels: { alertname, zone: '<b>dmz' },
    checked: ['the alert matches'],
    manifest: 'kind: Job # the manifest\n',
    ...{ at: Date.now() - 60_000, until: Date.now() + 1_800_000 },
  };
}

export interface Pages {
  readonly redis: TestRedis;
  readonly queue: TestQueue;
  readonly prefix: string;
  write(...entries: readonly Entry[]): Promise<void>;
  /** Starts a dashboard, which ends with the suite. */
  start(env?: Readonly<Record<string, string>>): Promise<Dashboard>;
  close(): Promise<void>;
}

/** A Redis with a history, and dashboards that show it. */
export async function startPages(prefix: string): Promise<Pages> {
  const redis = await startRedis();
  const queue = testQueue(redis.url, prefix);
  const closing: (() => unknown)[] = [];
  const t: Closing = { after: (close) => void closing.push(close) };
  return {
    ...{ redis, queue, prefix },
    async write(...entries) {
      const adding = queue.redis.pipeline();
      for (const entry of entries) {
        adding.xadd(historyKey(prefix), '*', 'v', '1', 'e', encodeEntry(entry));
      }
      await adding.exec();
    },
    async start(env = {}) {
      const own = { REDIS_URL: redis.url, OPENFERO_QUEUE_PREFIX: prefix };
      const dashboard = await startDashboard(t, { ...own, ...env });
      await dashboard.service.ready();
      return dashboard;
    },
    async close() {
      for (const close of closing) await close();
      await queue.close();
      await redis.stop();
    },
  };
}

/** What a person reads of a page: without markup and the space between. */
export const textOf = (body: string): string =>
  body
    .replace(/<head>[\s\S]*<\/head>/, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ');

import assert from 'node:assert/strict';
import { type ClientRequest, get } from 'node:http';
import { after, before, suite, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { encodeEntry } from '@openfero/core/history/encode';
import type { Entry } from '@openfero/core/history/entry';
import { keyOf } from '@openfero/core/history/row';
import { DEFAULT_HISTORY_COUNT, historyKey } from '@openfero/core/redis/history';
import { QUEUE } from '@openfero/core/redis/remediation';
import { deployedMemory } from '@openfero/testkit/deployed';
import { historyOf, type Recorded } from '@openfero/testkit/history';
import { mostMemory } from '@openfero/testkit/process';
import { scrape } from '@openfero/testkit/scrape';
import { Queue, Worker } from 'bullmq';
import type { Dashboard } from '../dashboard.ts';
import { remediation } from '../remediations.ts';
import { end, type Pages, startPages } from './fixture.ts';

/** Occurrences in the history. With 100000 it takes minutes, and says how long everything took. */
const OCCURRENCES = Number(process.env['OPENFERO_LARGE'] ?? 2_000);
const IS_LONG = OCCURRENCES >= 100_000;
/** As it is deployed. */
const { limit, env: AS_DEPLOYED } = deployedMemory('dashboard');
const ASKED = IS_LONG ? 100 : 10;
/** Milliseconds: what a page may take for 99 of 100. */
const LONGEST = 200;
/** Entries a second that come meanwhile. */
const RATE = 200;

const FILTERS = [
  '',
  'all=1&last=30d',
  'match={cluster%3D"prod-eu",namespace!~"team-1.*"}&last=30d',
  'q=web-3&last=30d',
  'outcome=rejected&last=30d',
  'operarius=openfero-kubepodcrashlooping-firing&last=30d',
  'fate=failed&last=30d',
  'only=job-failed&last=30d',
  'only=held&last=30d',
];

suite(`a history of ${OCCURRENCES} occurrences`, { concurrency: false }, () => {
  let pages: Pages;
  let dashboard: Dashboard;
  /** As many as workers leave by default. */
  let entries: readonly Recorded[];
  const stopped = new AbortController();
  let feeding: Promise<void>;

  before(async () => {
    pages = await startPages('large');
    const { redis } = pages.queue;
    // So that ours can be told from the writing of the history itself.
    await redis.config('SET', 'slowlog-log-slower-than', '10000');
    const last = Date.now() - 60_000;
    const all = historyOf({ occurrences: OCCURRENCES, until: last - 5 * 3_600_000, every: 2_000 });
    entries = all.slice(-DEFAULT_HISTORY_COUNT);
    for (let start = 0; start < entries.length; start += 5_000) {
      const adding = redis.pipeline();
      for (const [id, entry] of entries.slice(start, start + 5_000)) {
        adding.xadd(historyKey('large'), id, 'v', '1', 'e', encodeEntry(entry));
      }
      await adding.exec();
    }
    await redis.call('SLOWLOG', 'RESET');
    const since = performance.now();
    dashboard = await pages.start(AS_DEPLOYED);
    console.log(`ready after ${Math.round(performance.now() - since)} ms`);
    const { body } = await dashboard.ask('GET', '/?all=1&last=90d');
    const shown = Number(/<caption>\d+ of ([\d,]+)/.exec(body)?.[1]?.replaceAll(',', ''));
    assert.equal(shown, new Set(entries.flatMap(([, entry]) => keysOf(entry))).size);
    feeding = feed(pages, stopped.signal);
  });
  after(async () => {
    stopped.abort();
    await feeding;
    await pages.close();
  });

  async function timesOf(path: string): Promise<number[]> {
    const times: number[] = [];
    for (let asked = 0; asked < ASKED; asked++) {
      const since = performance.now();
      const { status } = await dashboard.ask('GET', path);
      times.push(performance.now() - since);
      assert.equal(status, 200);
    }
    return times.sort((a, b) => a - b);
  }

  for (const filter of FILTERS) {
    for (const place of ['first', 'deep'] as const) {
      test(`shows the ${place} page of /?${filter} in time, while ${RATE} entries a second come`, async () => {
        const hours = Math.round((OCCURRENCES * 2) / 3600 / 2 + 5);
        const deep = `${Date.now() - hours * 3_600_000}-0`;
        const path = `/?${filter}${place === 'deep' ? `&after=${deep}` : ''}`;
        const times = await timesOf(path);
        const p99 = times[Math.ceil(0.99 * times.length) - 1] ?? 0;
        console.log(
          `p50 ${(times[times.length >> 1] ?? 0).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
        );
        assert.ok(p99 < LONGEST, `p99 ${p99} ms`);
      });
    }
  }

  test('takes the memory that its limit allows', async () => {
    const metrics = await scrape(dashboard.url);
    const heap = metrics.value('nodejs_heap_size_used_bytes') ?? 0;
    const most = await mostMemory(dashboard.service.pid);
    console.log(`heap ${Math.round(heap / 1e6)} MB, RSS at most ${Math.round(most / 1e6)} MB`);
    // A reserve for code that this machine has not loaded.
    assert.ok(most < 0.9 * limit * 1024 * 1024, `${most} bytes of ${limit} MiB`);
  });

  test('leaves no command of ours in the slow log of Redis', async () => {
    const log = await pages.queue.redis.call('SLOWLOG', 'GET', '100');
    const slow = (Array.isArray(log) ? log : []).map((line) =>
      JSON.stringify(line[3]).slice(0, 200),
    );
    assert.deepEqual(slow, []);
  });

  test('delays no remediation, with ten browsers open', { skip: !IS_LONG }, async () => {
    const alone = await pickUps(pages);
    const { body } = await dashboard.ask('GET', '/');
    const [, address = ''] = /data-events="([^"]*)"/.exec(body) ?? [];
    const events = new URL(address.replaceAll('&amp;', '&'), dashboard.url);
    const browsers = Array.from({ length: 10 }, () => follow(events));
    await setTimeout(1_000);
    const together = await pickUps(pages);
    for (const browser of browsers) browser.destroy();
    const words = (times: number[]): string =>
      [0.5, 0.99]
        .map((part) => times[Math.ceil(part * times.length) - 1]?.toFixed(1))
        .join(' and ');
    console.log(`picked up after ${words(alone)} ms (p50, p99), with ten ${words(together)} ms`);
  });
});

/** What it has a row for: of the oldest ones only the fate of a Job may be left. */
const keysOf = (entry: Entry): string[] =>
  entry.kind === 'end' || entry.kind === 'held' ? [keyOf(entry)] : [];

/** Writes entries until it is told to stop. */
async function feed(pages: Pages, signal: AbortSignal): Promise<void> {
  for (let batch = 0; !signal.aborted; batch++) {
    const names = Array.from({ length: RATE / 10 }, (_, index) => `Fed-${batch}-${index}`);
    await pages.write(...names.map((name) => end({ name, at: Date.now() }, 'created')));
    await pages.queue.redis.xtrim(historyKey('large'), 'MAXLEN', '~', DEFAULT_HISTORY_COUNT);
    await setTimeout(100);
  }
}

/** A page that is open: it hears of each change. */
function follow(events: URL): ClientRequest {
  const asking = get(events, { agent: false }, (response) => void response.resume());
  asking.on('error', () => undefined);
  return asking;
}

/** Milliseconds from the add to the processor of a worker, sorted. */
async function pickUps({ redis, queue }: Pages): Promise<number[]> {
  const connection = queue.redis.duplicate();
  const options = { connection, prefix: 'large-picked', skipVersionCheck: true };
  const adding = new Queue(QUEUE, options);
  const times: number[] = [];
  const worker = new Worker<{ at: number }>(
    QUEUE,
    async ({ data }) => void times.push(performance.now() - data.at),
    { ...options, connection: { url: redis.url }, concurrency: 8 },
  );
  await worker.waitUntilReady();
  for (let count = 0; count < 2_000; count++) {
    const data = { ...remediation(`picked-${count}`, {}), at: performance.now() };
    await adding.add('remediation', data, { removeOnComplete: true });
    await setTimeout(5);
  }
  while (times.length < 2_000) await setTimeout(10);
  await worker.close();
  await adding.close();
  connection.disconnect();
  return times.sort((a, b) => a - b);
}

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { KINDS } from '@openfero/core/history/audit-line';
import { encodeEntry } from '@openfero/core/history/encode';
import type { Entry } from '@openfero/core/history/entry';
import { historyKey } from '@openfero/core/redis/history';
import type { Dashboard } from '../dashboard.ts';
import { end, fate, held, idOf, MINUTE, type Pages, startPages, subjectOf } from './fixture.ts';

const DAY = 24 * 60 * MINUTE;
const BEGAN = Date.UTC(2026, 9, 1, 3);
const ROUTINE = 2_500;
const DEFINITION = '0123456789';
const DISK = { name: 'Disk', at: BEGAN + 2 * DAY, labels: { zone: 'dmz' } };
const { operarius } = subjectOf(DISK);
const run = { job: 'disk-1', uid: 'u1', operarius };

/** A month in which each kind of entry is written. */
const MONTH: readonly (readonly [day: number, entry: Entry])[] = [
  [0, { kind: 'definition', operarius, definition: DEFINITION, mode: 'approve', at: BEGAN }],
  [2, held(DISK, 'max-active')],
  [2, end(DISK, 'created', { definition: DEFINITION, job: run.job })],
  [2, { ...subjectOf(DISK), kind: 'asked', ...run, until: DISK.at + MINUTE, at: DISK.at }],
  [2, { kind: 'act', act: 'approve', id: idOf('Disk'), user: 'ann', address: '::1', at: DISK.at }],
  [
    2,
    { ...subjectOf(DISK), kind: 'decided', decision: 'approved', by: 'ann', ...run, at: DISK.at },
  ],
  [2, { ...fate(DISK, 'succeeded'), ...run }],
  [2, { ...subjectOf(DISK), kind: 'effect', effect: 'firing', ...run, at: DISK.at + 20 * MINUTE }],
  [
    9,
    { kind: 'stopped', operarius, definition: DEFINITION, until: 0, row: 5, at: BEGAN + 9 * DAY },
  ],
  [10, { kind: 'act', act: 'rearm', id: operarius, user: 'bob', address: '::1', at: BEGAN }],
  [
    10,
    { kind: 'rearmed', operarius, definition: DEFINITION, how: 'person', user: 'bob', at: BEGAN },
  ],
  [20, { kind: 'mode', from: 'run', to: 'off', source: 'ConfigMap ops/openfero', at: BEGAN }],
  [29, { kind: 'definition', operarius, before: DEFINITION, at: BEGAN + 29 * DAY }],
];

type Line = Readonly<Record<string, unknown>>;

suite("a month's audit as JSON lines", { concurrency: false }, () => {
  let pages: Pages;
  let dashboard: Dashboard;
  before(async () => {
    pages = await startPages('audit');
    const adding = pages.queue.redis.pipeline();
    const add = (at: number, entry: Entry): void =>
      void adding.xadd(historyKey('audit'), `${at}-*`, 'v', '1', 'e', encodeEntry(entry));
    // More than Redis is asked for at once.
    const routine = Array.from({ length: ROUTINE }, (_, number) => BEGAN + DAY + number);
    add(BEGAN, MONTH[0]?.[1] ?? assert.fail());
    for (const at of routine) add(at, end({ name: `Routine${at}`, at }, 'no-operarius'));
    for (const [day, entry] of MONTH.slice(1)) add(BEGAN + day * DAY, entry);
    await adding.exec();
    dashboard = await pages.start();
  });
  after(() => pages.close());

  async function lines(query: string): Promise<Line[]> {
    let answer = await dashboard.ask('GET', `/history.jsonl?${query}`);
    while (answer.status === 503) answer = await dashboard.ask('GET', `/history.jsonl?${query}`);
    assert.equal(answer.status, 200);
    const { body } = answer;
    return body === ''
      ? []
      : body
          .trimEnd()
          .split('\n')
          .map((line): Line => JSON.parse(line));
  }

  test('says who, when, why, and by which definition', async () => {
    const all = await lines('kind=all');
    assert.equal(all.length, ROUTINE + MONTH.length);
    assert.deepEqual(new Set(all.map(({ kind }) => kind)), new Set(KINDS));
    for (const { at } of all) assert.match(String(at), /^2026-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const one = (kind: Entry['kind']): Line =>
      all.findLast((line) => line['kind'] === kind) ?? assert.fail(kind);
    const { entry, ...decided } = one('decided');
    assert.match(String(entry), /^\d+-\d+$/);
    assert.deepEqual(decided, {
      ...{ ...subjectOf(DISK), kind: 'decided', decision: 'approved', by: 'ann', ...run },
      at: new Date(DISK.at).toISOString(),
    });
    const created = one('end');
    assert.deepEqual(
      [created['definition'], created['reason'], created['job'], created['at']],
      [DEFINITION, 'created for a reason', 'disk-1', created['endedAt']],
    );
    assert.equal(one('act')['user'], 'bob');
    assert.equal('until' in one('stopped'), false, 'until a person re-arms it');
    assert.equal(one('asked')['until'], new Date(DISK.at + MINUTE).toISOString());
    assert.equal(one('definition')['before'], DEFINITION);
  });

  test('can be asked for by kind, time, alert and operarius', async () => {
    const kinds = async (query: string): Promise<string> =>
      (await lines(query)).map(({ kind }) => kind).join();
    assert.equal(await kinds('kind=act,mode'), 'act,act,mode');
    assert.equal(await kinds('kind=act&kind=mode&from=2026-10-12T00:00:00Z'), 'mode');
    assert.equal(await kinds('kind=all&from=2026-10-10T00:00&to=2026-10-10T12:00'), 'stopped');
    const ofDisk = 'held,end,asked,act,decided,fate,effect';
    assert.equal(await kinds('kind=all&match=zone%3D"dmz"'), ofDisk);
    assert.equal(
      await kinds(`kind=all&operarius=${operarius}`),
      `definition,${ofDisk},stopped,act,rearmed,definition`,
    );
    const { status, error } = await dashboard.ask('GET', '/history.jsonl?kind=nonsense');
    assert.equal(status, 400);
    assert.match(error ?? '', /^kind: "nonsense" is not one of all, end, /);
  });

  test('without a kind, each line is an occurrence', async () => {
    const [line] = await lines('match=zone%3D"dmz"');
    const firing: Line = Object(line?.['firing']);
    assert.deepEqual([firing['definition'], firing['effect']], [DEFINITION, 'firing']);
  });
});

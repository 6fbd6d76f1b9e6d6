import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { RECORD_DECIDED, recordInput } from '@openfero/core/redis/approval-scripts';
import { approvalsKey, askedKey, readWish } from '@openfero/core/redis/approvals';
import type { Dashboard } from '../dashboard.ts';
import { end, idOf, type Pages, questionOf, startPages, subjectOf, textOf } from './fixture.ts';

const PREFIX = 'approvals';
const FORM = {
  'sec-fetch-site': 'same-origin',
  'content-type': 'application/x-www-form-urlencoded',
  authorization: `Basic ${Buffer.from('ann:s3cret').toString('base64')}`,
};
const LOGIN = {
  OPENFERO_AUTH: 'basic',
  OPENFERO_AUTH_USER: 'ann',
  OPENFERO_AUTH_PASSWORD: 's3cret',
};

suite('a Job that waits for a person', { concurrency: false }, () => {
  let pages: Pages;
  let dashboard: Dashboard;

  before(async () => {
    pages = await startPages(PREFIX);
    dashboard = await pages.start(LOGIN);
    for (const name of ['Disk', 'Node', 'Late']) {
      const question = questionOf(name);
      await pages.queue.redis.hset(askedKey(PREFIX), question.uid, JSON.stringify(question));
    }
    await pages.write(end({ name: 'Disk' }, 'created'));
    while (!(await get('/')).includes('Disk'));
  });
  after(() => pages?.close());

  const get = async (path: string, at = dashboard): Promise<string> =>
    (await at.ask('GET', path, FORM)).body;
  const post = async (path: string, headers = FORM, at = dashboard) =>
    at.ask('POST', path, headers);

  test('is shown with its labels, its manifest, the time left and the lines for kubectl', async () => {
    const page = await get('/approvals');
    const text = textOf(page);
    assert.match(page, /<title>3 Jobs wait for a person/);
    for (const part of ['&lt;b&gt;dmz', 'kind: Job # the manifest', 'the alert matches']) {
      assert.ok(page.includes(part), part);
    }
    assert.match(text, /It lapses in 29 min/);
    assert.match(text, /kubectl patch job openfero-disk-firing-0123456789 --type=merge/);
    assert.match(text, /kubectl delete job openfero-disk-firing-0123456789/);
  });

  test('is counted on every page, and asked about on its story', async () => {
    const { fingerprint, startsAt } = subjectOf({ name: 'Disk' });
    const story = textOf(await get(`/occurrences/${fingerprint}/${startsAt}`));
    assert.match(story, /Approvals \(3\)/);
    assert.match(story, /It waits for a person/);
    assert.match(story, /Approve openfero-disk-firing-0123456789/);
    assert.match(textOf(await get('/')), /waits for a person/);
  });

  test('is approved by whoever presses first, under their name', async () => {
    const path = `/approvals/${idOf('Disk')}/approve`;
    const first = await post(path);
    assert.deepEqual([first.status, first.headers['location']], [303, '/approvals']);
    const { redis } = pages.queue;
    const wish = readWish(await redis.hget(approvalsKey(PREFIX), 'uid-Disk'));
    assert.deepEqual([wish?.decision, wish?.by], ['approved', 'ann']);
    const second = await post(`/approvals/${idOf('Disk')}/deny`);
    assert.equal(second.status, 409);
    assert.match(textOf(second.body), /it is approved already, by ann/);
    const obstacle = JSON.stringify({ ...wish, obstacle: 'OPENFERO_MAX_ACTIVE_JOBS is 1' });
    await redis.hset(approvalsKey(PREFIX), 'uid-Disk', obstacle);
    assert.match(textOf(await get('/approvals')), /In the way: OPENFERO_MAX_ACTIVE_JOBS is 1/);
  });

  test('is decided no more once it was, and the page says by whom', async () => {
    const became = { decision: 'denied', by: 'bob' } as const;
    const { keys, args } = recordInput(PREFIX, 'uid-Late', { became, count: 10, entry: '{}' });
    const { redis } = pages.queue;
    const before = await redis.hget(askedKey(PREFIX), 'uid-Late');
    await redis.eval(RECORD_DECIDED, keys.length, ...keys, ...args);
    assert.equal((await post(`/approvals/${idOf('Late')}/approve`)).status, 410);
    // As another tab would that has read the question just before.
    await redis.hset(askedKey(PREFIX), 'uid-Late', before ?? '');
    const late = await post(`/approvals/${idOf('Late')}/approve`);
    assert.equal(late.status, 410);
    assert.match(textOf(late.body), /it was denied, by bob/);
    await redis.hdel(askedKey(PREFIX), 'uid-Late');
  });

  test('is not decided from another site, nor where the dashboard may not', async () => {
    const path = `/approvals/${idOf('Node')}/approve`;
    assert.equal((await post(path, { ...FORM, 'sec-fetch-site': 'cross-site' })).status, 403);
    const closed = await pages.start({ ...LOGIN, OPENFERO_DASHBOARD_APPROVAL: 'false' });
    const readOnly = await pages.start({ ...LOGIN, OPENFERO_DASHBOARD_READ_ONLY: 'true' });
    for (const each of [closed, readOnly]) {
      assert.equal((await post(path, FORM, each)).status, 405);
      assert.ok(!(await get('/approvals', each)).includes('<form'));
    }
    assert.match(await get('/approvals', closed), /OPENFERO_DASHBOARD_APPROVAL is false/);
    assert.equal(await pages.queue.redis.hget(approvalsKey(PREFIX), 'uid-Node'), null);
  });
});

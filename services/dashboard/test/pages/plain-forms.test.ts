import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { approvalsKey, askedKey, readWish } from '@openfero/core/redis/approvals';
import { readStopped, stoppedKey } from '@openfero/core/redis/stopped';
import { openPage, type Page, skipWithoutChromium } from '@openfero/testkit/chromium';
import type { Dashboard } from '../dashboard.ts';
import { end, idOf, MINUTE, type Pages, questionOf, startPages } from './fixture.ts';

const PREFIX = 'plain';
const OPERARIUS = 'openfero-disk-firing';

suite('without JavaScript', { concurrency: false, skip: skipWithoutChromium() }, () => {
  let pages: Pages;
  let dashboard: Dashboard;
  let page: Page;
  before(async () => {
    pages = await startPages(PREFIX);
    dashboard = await pages.start({ OPENFERO_DASHBOARD_READ_ONLY: 'false' });
    const { redis } = pages.queue;
    for (const name of ['Disk', 'Node']) {
      await redis.hset(askedKey(PREFIX), `uid-${name}`, JSON.stringify(questionOf(name)));
    }
    const at = Date.now();
    const stopped = { definition: '0123456789', until: at + 30 * MINUTE, row: 3, at };
    await redis.hset(stoppedKey(PREFIX), OPERARIUS, JSON.stringify(stopped));
    await pages.write(end({ name: 'Disk' }, 'created'));
    page = await openPage();
    await page.allowScripts(false);
  });
  after(async () => {
    await page?.close();
    await pages?.close();
  });

  /** Presses the button of a form, and waits for the page that follows. */
  async function press(path: string, action: string, next: string): Promise<void> {
    const button = `document.querySelector('form[action="${action}"] button')`;
    await page.open(dashboard.url + path);
    await page.until(`${button} !== null`);
    await page.evaluate(`${button}.click()`);
    await page.until(`location.pathname === '${next}' && ${button} === null`);
  }

  for (const [name, act, decision] of [
    ['Disk', 'approve', 'approved'],
    ['Node', 'deny', 'denied'],
  ] as const) {
    test(`a button has a Job ${decision}`, async () => {
      await press('/approvals', `/approvals/${idOf(name)}/${act}`, '/approvals');
      const wish = readWish(await pages.queue.redis.hget(approvalsKey(PREFIX), `uid-${name}`));
      assert.equal(wish?.decision, decision);
      const shown = await page.evaluate(`document.querySelector('main').innerText`);
      assert.match(String(shown), new RegExp(`${decision}.* A worker carries it out`));
    });
  }

  test('a button re-arms an operarius that is stopped', async () => {
    const path = `/operarii/${OPERARIUS}`;
    await press(path, `${path}/rearm`, path);
    const stopped = readStopped(await pages.queue.redis.hget(stoppedKey(PREFIX), OPERARIUS));
    assert.ok(stopped !== undefined && stopped.until <= Date.now());
    const shown = await page.evaluate(`document.querySelector('main').innerText`);
    assert.doesNotMatch(String(shown), /Stopped until/);
  });

  test('nothing is complained of', () => assert.deepEqual(page.complaints, []));
});

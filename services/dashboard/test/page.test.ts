import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { openPage, type Page, skipWithoutChromium } from '@openfero/testkit/chromium';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { type Dashboard, startDashboard } from './dashboard.ts';
import { type TestQueue, testQueue } from './remediations.ts';

const HOSTILE =
  '<img src="http://evil.example/i" onerror="window.ran=1"><script>window.ran=1</script>';

suite('the page of the queue', { concurrency: false }, () => {
  let redis: TestRedis;
  let queue: TestQueue;
  let dashboard: Dashboard;
  const closing: (() => unknown)[] = [];

  before(async () => {
    redis = await startRedis();
    queue = testQueue(redis.url, 'page');
    await queue.end('failed-one', `rejected: jobs.batch is forbidden ${HOSTILE}`, {
      instance: HOSTILE,
    });
    await queue.end(
      'hostile-one',
      { outcome: 'no-operarius', operarius: '', reason: HOSTILE },
      { alertname: HOSTILE, [HOSTILE]: 'name' },
    );
    await queue.end('broken-one', 'unreadable: the payload is no JSON');
    await queue.add('waiting-one');
    dashboard = await startDashboard(
      { after: (close) => void closing.push(close) },
      {
        REDIS_URL: redis.url,
        OPENFERO_QUEUE_PREFIX: 'page',
        OPENFERO_DASHBOARD_READ_ONLY: 'false',
      },
    );
    await dashboard.service.ready();
  });
  after(async () => {
    for (const close of closing) await close();
    await queue.close();
    await redis.stop();
  });

  test('every answer has the headers that keep it to itself', async () => {
    for (const path of ['/queue', '/queue/static/images/logo.svg', '/queue/api/queues']) {
      const { headers } = await dashboard.ask('GET', path);
      const policy = String(headers['content-security-policy']);
      assert.match(policy, /default-src 'self'; script-src 'self';.*frame-ancestors 'none'/);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['x-frame-options'], 'DENY');
      assert.equal(headers['referrer-policy'], 'same-origin');
    }
  });

  test('its document asks nothing of another server', async () => {
    for (const path of [
      '/queue',
      '/queue/queue/remediations',
      '/queue/queue/remediations/failed-one?x=1',
    ]) {
      const { body, status } = await dashboard.ask('GET', path);
      assert.equal(status, 200);
      assert.doesNotMatch(body, /(src|href)="?(https?:)?\/\//);
      assert.match(body, /<title>OpenFero<\/title>/);
    }
  });

  test('a remediation whose data is no JSON is shown, and can be removed', async () => {
    await queue.redis.hset(queue.queue.toKey('broken-one'), 'data', '{broken');
    const list = await dashboard.ask('GET', '/queue/api/queues?activeQueue=remediations');
    assert.match(list.body, /"name":"remediation · unreadable"/);
    const path = '/queue/api/queues/remediations/broken-one/clean';
    const answer = await dashboard.ask('PUT', path, { 'sec-fetch-site': 'same-origin' });
    assert.equal(answer.status, 204, answer.body);
  });

  suite('in Chromium', { skip: skipWithoutChromium() }, () => {
    let page: Page;
    before(async () => {
      page = await openPage();
    });
    after(async () => page?.close());

    const shows = (text: string): Promise<void> =>
      page.until(`document.body?.innerText.includes(${JSON.stringify(text)}) === true`);

    test('the overview shows the queue', async () => {
      await page.open(`${dashboard.url}/queue`);
      await shows('remediations');
    });

    test('the list shows alertname, status and outcome, hostile text as text', async () => {
      await page.open(`${dashboard.url}/queue/queue/remediations`);
      await shows('KubeQuotaAlmostFull firing · rejected');
      await shows(`${HOSTILE} firing · no-operarius`);
      await shows('jobs.batch is forbidden');
    });

    test('a link to one remediation opens it', async () => {
      for (const id of ['hostile-one', 'failed-one', 'waiting-one']) {
        await page.open(`${dashboard.url}/queue/queue/remediations/${id}`);
        await shows(id);
      }
    });

    test('what is refused is not offered', async () => {
      const visible = (icon: string): string =>
        `[...document.querySelectorAll('.lucide-${icon}')].filter((each) => each.checkVisibility()).length`;
      await page.open(`${dashboard.url}/queue/queue/remediations?status=failed`);
      await page.until(`${visible('refresh-cw')} >= 2`);
      assert.equal(await page.evaluate(visible('trash-2')), 2);
      assert.equal(await page.evaluate(`${visible('files')} + ${visible('pencil')}`), 0);
      await page.open(`${dashboard.url}/queue/queue/remediations?status=waiting`);
      await shows('waiting-one');
      assert.equal(await page.evaluate(visible('trash-2')), 0);
    });

    test('a failed remediation is retried by its button', async () => {
      await page.open(`${dashboard.url}/queue/queue/remediations/failed-one`);
      await page.until(`document.querySelector('button:has(> .lucide-refresh-cw)') !== null`);
      await page.evaluate(`document.querySelector('button:has(> .lucide-refresh-cw)').click()`);
      await page.until(
        `document.querySelector('[role=alertdialog] button, [role=dialog] button') !== null`,
      );
      await page.evaluate(
        `[...document.querySelectorAll('[role=alertdialog] button, [role=dialog] button')].find((each) => /confirm/i.test(each.textContent)).click()`,
      );
      await dashboard.service.waitForLine(({ subject }) => subject === 'failed-one');
      assert.equal(await queue.queue.getJobState('failed-one'), 'waiting');
    });

    test('no alert text ran, no request left the origin, and nothing was complained of', async () => {
      assert.equal(await page.evaluate('typeof window.ran'), 'undefined');
      const foreign = page.requests.filter((url) => !url.startsWith(`${dashboard.url}/`));
      assert.deepEqual(
        foreign.filter((url) => !url.startsWith('data:')),
        [],
      );
      assert.ok(page.requests.length > 20);
      assert.deepEqual(page.complaints, []);
    });
  });
});

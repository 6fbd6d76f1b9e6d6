import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { openPage, type Page, skipWithoutChromium } from '@openfero/testkit/chromium';
import { remediation } from '@openfero/testkit/remediations';
import type { Dashboard } from '../dashboard.ts';
import { end, fate, held, idOf, type Pages, startPages, subjectOf } from './fixture.ts';

const IMAGE = '<img src="http://evil.example/i" onerror="window.ran=1">';
const NAME = `${IMAGE}<script>window.ran=1</script>"'><svg onload=window.ran=1>`;
const HOSTILE = {
  name: NAME,
  labels: {
    namespace: '\u202egnp.exe\u202c',
    severity: 'critical" onmouseover="window.ran=1',
    pod: 'x'.repeat(10_240),
    [IMAGE]: IMAGE,
    __proto__x: '</title></textarea></style>',
    instance: 'javascript:window.ran=1',
  },
};

suite('hostile text', { concurrency: false, skip: skipWithoutChromium(), timeout: 60_000 }, () => {
  let pages: Pages;
  let dashboard: Dashboard;
  let page: Page;

  before(async () => {
    pages = await startPages('hostile');
    dashboard = await pages.start();
    const data = remediation(NAME, {
      id: idOf(NAME),
      labels: HOSTILE.labels,
      alert: {
        annotations: {
          summary: IMAGE,
          runbook_url: 'javascript:window.ran=1',
          [IMAGE]: 'data:text/html,x',
        },
        generatorURL: 'javascript:window.ran=1',
      },
      group: { key: IMAGE, externalURL: 'javascript:window.ran=1' },
    });
    await pages.queue.queue.add('remediation', data, { jobId: data.id });
    await pages.queue.add('waits', { alertname: NAME, namespace: IMAGE });
    await pages.write(
      held(HOSTILE, IMAGE),
      end(HOSTILE, 'created', {
        operarius: IMAGE,
        job: `${IMAGE}-0`,
        warnings: [IMAGE],
        groupKey: IMAGE,
      }),
      { ...fate(HOSTILE, 'failed', IMAGE), job: `${IMAGE}-0` },
      end({ name: '' }, 'unreadable', { fingerprint: '', reason: IMAGE }),
      { kind: 'mode', from: 'run', to: 'off', source: IMAGE, at: Date.now() - 60_000 },
      { kind: 'act', act: 'retry', id: idOf(NAME), user: IMAGE, address: IMAGE, at: Date.now() },
    );
    page = await openPage();
    while (
      !(await dashboard.ask('GET', `/remediations/${idOf(NAME)}`)).headers.location?.startsWith(
        '/occ',
      )
    );
  });
  after(async () => {
    await page?.close();
    await pages?.close();
  });

  const { fingerprint, startsAt } = subjectOf(HOSTILE);
  const paths = [
    '/',
    `/?q=${encodeURIComponent(IMAGE)}&match=${encodeURIComponent(IMAGE)}&only=${encodeURIComponent(IMAGE)}`,
    `/occurrences/${fingerprint}/${startsAt}`,
    `/remediations/${idOf('')}`,
    '/operarii',
    `/operarii/${encodeURIComponent(IMAGE)}`,
  ];
  for (const path of paths) {
    test(`is text at ${path.slice(0, 40)}`, async () => {
      await page.open(`${dashboard.url}${path}`);
      await page.until(
        `document.readyState === 'complete' && document.querySelector('main') !== null`,
      );
      const shown = await page.evaluate(`document.body.textContent.includes('onerror=')`);
      assert.equal(shown, true);
      assert.equal(
        await page.evaluate(
          `document.querySelectorAll('img, iframe, main script, main style').length`,
        ),
        0,
      );
      const addresses = await page.evaluate(
        `[...document.querySelectorAll('a, form')].map((each) => new URL(each.href ?? each.action).protocol)`,
      );
      assert.deepEqual([...new Set(Array.isArray(addresses) ? addresses : [])], ['http:']);
    });
  }

  test('that turns letters around is shown as an escape', async () => {
    const { body } = await dashboard.ask('GET', '/');
    assert.ok(body.includes('\\u202egnp.exe'));
    assert.doesNotMatch(body, /\u202e/);
  });

  test('of 10 KB leaves the rest of the story on the screen, and is whole one tap away', async () => {
    await page.emulate({ width: 390, height: 844 });
    await page.open(`${dashboard.url}/occurrences/${fingerprint}/${startsAt}`);
    await page.until(`document.querySelector('dd details') !== null`);
    const heightOf = `document.querySelector('dd:has(details)').getBoundingClientRect().height`;
    assert.ok(Number(await page.evaluate(heightOf)) < 600);
    await page.evaluate(`document.querySelector('dd summary').click()`);
    const whole = await page.evaluate(`document.querySelector('dd details').innerText.trim()`);
    assert.equal(whole, `All 10,240 characters${'x'.repeat(10_240)}`);
  });

  test('comes by the stream of events as text too', async () => {
    await page.open(`${dashboard.url}/`);
    await page.until(`document.querySelector('tbody [scope=row] a') !== null`);
    await page.evaluate(`window.old = document.querySelector('[id$="${fingerprint}"]')`);
    await pages.write({ ...fate(HOSTILE, 'deleted', NAME), job: `${IMAGE}-0` });
    await page.until(
      `document.querySelector('[id$="${fingerprint}"]').innerText.includes('deleted')`,
    );
    assert.equal(await page.evaluate(`document.querySelectorAll('img').length`), 0);
  });

  test('ran nowhere, sent nothing to another server, and met no complaint', async () => {
    assert.equal(await page.evaluate('typeof window.ran'), 'undefined');
    const foreign = page.requests.filter(
      (url) => !url.startsWith(`${dashboard.url}/`) && !url.startsWith('data:'),
    );
    assert.deepEqual(foreign, []);
    assert.ok(page.requests.length > 10);
    assert.deepEqual(page.complaints, []);
  });

  test('that asks the page for HTML is refused by the browser itself', async () => {
    const refused = await page.evaluate(
      `(() => { try { document.body.innerHTML = '<b>'; return 'taken'; } catch (error) { return error.name; } })()`,
    );
    assert.equal(refused, 'TypeError');
  });
});

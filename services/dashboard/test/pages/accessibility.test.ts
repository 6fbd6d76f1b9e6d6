import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { encodeEntry } from '@openfero/core/history/encode';
import { approvalsKey, askedKey } from '@openfero/core/redis/approvals';
import { historyKey } from '@openfero/core/redis/history';
import {
  operariiKey,
  type PublishedOperarius,
  type PublishedWorker,
  workersKey,
} from '@openfero/core/redis/published';
import { stoppedKey } from '@openfero/core/redis/stopped';
import { openPage, type Page, skipWithoutChromium } from '@openfero/testkit/chromium';
import { historyOf } from '@openfero/testkit/history';
import axe from 'axe-core';
import type { Dashboard } from '../dashboard.ts';
import { end, fate, held, idOf, type Pages, questionOf, startPages, subjectOf } from './fixture.ts';

const FAILED = { name: 'JobFailed', labels: { pod: 'web-1', cluster: 'prod-eu' } };

const FAILED_TOO = { name: 'FailedToo' };
const { fingerprint, startsAt, operarius } = subjectOf(FAILED);
const PAGES: readonly [name: string, path: string, title: RegExp][] = [
  ['the list', '/', /^\d+ failed/],
  ['the list with its filters', '/?all=1&last=7d&match={zone%3D', /^\d+ failed/],
  ['an empty list', '/?q=nothing-like-this', /^0 occurrences/],
  ['a story', `/occurrences/${fingerprint}/${startsAt}`, /^Job failed: JobFailed/],
  ['the Jobs that wait for a person', '/approvals', /^2 Jobs wait/],
  ['an unknown story', '/remediations/none', /^Not found/],
  ['the operarii', '/operarii', /^1 invalid, 1 stopped operarii/],
  ['an operarius', `/operarii/${operarius}`, /^invalid: openfero/],
  ['an operarius that holds', `/operarii/${subjectOf({ name: 'Held' }).operarius}`, /^unknown: /],
  ['an operarius that is stopped', `/operarii/${subjectOf(FAILED_TOO).operarius}`, /^stopped: /],
  ['the question before a retry', '/retry?only=failed', /^Retry \d+\?/],
  ['the question before a rerun', `/remediations/${idOf('JobFailed')}/rerun`, /^Run again\?/],
];

suite('each page', { concurrency: false, skip: skipWithoutChromium(), timeout: 180_000 }, () => {
  let pages: Pages;
  let dashboard: Dashboard;
  let page: Page;

  before(async () => {
    pages = await startPages('accessible');
    const until = Date.now() - 60_000;
    const adding = pages.queue.redis.pipeline();
    for (const [id, entry] of historyOf({ occurrences: 12, until: until - 3_600_000 * 2 })) {
      adding.xadd(historyKey('accessible'), id, 'v', '1', 'e', encodeEntry(entry));
    }
    await adding.exec();
    await publish(pages);
    for (const [name, wish] of [
      ['Asked', undefined],
      ['Approved', { decision: 'approved', by: 'ann', at: Date.now(), obstacle: 'a limit' }],
    ] as const) {
      const question = questionOf(name);
      await pages.queue.redis.hset(askedKey('accessible'), question.uid, JSON.stringify(question));
      if (wish !== undefined)
        await pages.queue.redis.hset(
          approvalsKey('accessible'),
          question.uid,
          JSON.stringify(wish),
        );
    }
    await pages.write(
      end(FAILED, 'created', { warnings: ['a warning'] }),
      fate(FAILED, 'failed'),
      held({ name: 'Held' }, 'max-active'),
    );
    const place = `${subjectOf({ name: 'Held' }).operarius}/a-job-that-hangs`;
    for (const set of ['places', `places:${subjectOf({ name: 'Held' }).operarius}`])
      await pages.queue.redis.zadd(`accessible:${set}`, Date.now(), place);
    await pages.queue.add('waits', { alertname: 'Waits', namespace: 'shop' });
    dashboard = await pages.start({
      OPENFERO_DASHBOARD_READ_ONLY: 'false',
      OPENFERO_JOB_URL: 'https://logs.example/{job}',
    });
    page = await openPage();
  });
  after(async () => {
    await page?.close();
    await pages?.close();
  });

  async function open(path: string): Promise<void> {
    await page.open(`${dashboard.url}${path}`);
    await page.until(
      `location.href.endsWith(${JSON.stringify(path)}) && document.readyState === 'complete'`,
    );
  }
  const ask = (expression: string): Promise<unknown> => page.evaluate(expression);

  for (const [name, path, title] of PAGES) {
    suite(name, { concurrency: false }, () => {
      for (const scheme of ['light', 'dark'] as const) {
        for (const width of [320, 1280]) {
          test(`is accessible in ${scheme} at ${width} px`, async () => {
            const isTouched = width === 320;
            await page.emulate({ width, scheme, isTouched });
            await open(path);
            await ask(axe.source);
            assert.deepEqual(await ask(FINDINGS), [], 'findings of axe');
            assert.deepEqual(await ask(SIDEWAYS), [], 'wider than the screen');
            assert.deepEqual(await ask(smallTargets(isTouched ? 44 : 24)), [], 'too small');
          });
        }
      }

      test('has a title that begins with what matters, and one heading', async () => {
        await open(path);
        assert.match(String(await ask('document.title')), title);
        assert.equal(await ask(`document.querySelectorAll('h1').length <= 1`), true);
        assert.equal(await ask(`document.documentElement.lang`), 'en');
      });
    });
  }

  test('the list is a table with a caption, and its heads have a scope', async () => {
    await page.emulate({ width: 1280 });
    await open('/');
    assert.match(String(await ask(`document.querySelector('caption').innerText`)), /^\d+ of \d+$/);
    assert.equal(
      await ask(`[...document.querySelectorAll('th')].every((each) => each.scope !== '')`),
      true,
    );
    assert.equal(
      await ask(
        `[...document.querySelectorAll('time')].every((each) => !Number.isNaN(Date.parse(each.dateTime)))`,
      ),
      true,
    );
    assert.equal(
      await ask(
        `[...document.querySelectorAll('tbody [scope=row] a')].every((each) => each.dir === 'auto')`,
      ),
      true,
    );
  });

  test('everything is reached by the keyboard, and the focus is seen', async () => {
    await page.emulate({ width: 1280 });
    await open('/');
    const seen: unknown[] = [];
    for (let presses = 0; presses < 14; presses++) {
      await page.press('Tab');
      seen.push(
        await ask(
          `(({ outlineStyle, outlineWidth }) => [document.activeElement.innerText || document.activeElement.name, outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2])(getComputedStyle(document.activeElement))`,
        ),
      );
    }
    const names = seen.map((each) => (Array.isArray(each) ? each[0] : ''));
    for (const name of [
      'Skip to content',
      'Occurrences',
      'Operarii',
      'Queue',
      'q',
      'Search',
      'Filters',
    ]) {
      assert.ok(names.includes(name), `${name} in ${names.join()}`);
    }
    assert.ok(
      seen.every((each) => Array.isArray(each) && each[1] === true),
      JSON.stringify(seen),
    );
  });

  test('from the name of an alert to all four answers are two taps on a phone', async () => {
    await page.emulate({ width: 390, height: 844, isTouched: true });
    await open('/');
    await ask(`document.querySelector('#q').value = 'JobFailed'`);
    await ask(`document.querySelector('.search button').click()`);
    await page.until(
      `location.search.includes('JobFailed') && document.querySelector('tbody th a.name')?.innerText === 'JobFailed'`,
    );
    const again = `(() => { const again = document.querySelector('.again');
      again.scrollIntoView(); const { x, y } = again.getBoundingClientRect();
      return document.elementFromPoint(x + 5, y + 5) === again; })()`;
    assert.equal(await ask(again), true, 'the block that opens the story does not cover it');
    await ask(`document.querySelector('tbody th a.name').click()`);
    await page.until(
      `location.pathname.startsWith('/occurrences/') && document.querySelector('.answers') !== null`,
    );
    const answers = String(await ask(`document.querySelector('.answers').innerText`)).replace(
      /\s+/g,
      ' ',
    );
    assert.match(
      answers,
      /Did it run\? Yes.* Why\? .* Did the Job succeed\? Job failed.* Has the alert resolved\? No word/,
    );
    const { innerHeight, bottom } = Object(
      await ask(
        `({ innerHeight, bottom: document.querySelector('.answers').getBoundingClientRect().bottom })`,
      ),
    );
    assert.ok(bottom <= innerHeight, `${bottom} of ${innerHeight}: no scrolling for the answers`);
  });

  test('the console has no complaint', () =>
    assert.deepEqual(
      page.complaints.filter((each) => !each.includes('404')),
      [],
    ));
});

const FINDINGS = `axe.run().then(({ violations }) => violations.map(({ id, nodes }) =>
  id + ': ' + nodes.slice(0, 3).map(({ html }) => html.slice(0, 200)).join(' | ')))`;

const SIDEWAYS = `document.scrollingElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll('body *')]
    .filter((each) => each.checkVisibility() && each.getBoundingClientRect().right > innerWidth + 1)
    .map((each) => each.outerHTML.slice(0, 120))`;

/** What fills a larger target may itself be smaller. */
function smallTargets(size: number): string {
  return `[...document.querySelectorAll('a, button, input, select, summary')]
    .filter((each) => each.checkVisibility() && each.type !== 'hidden' && !each.matches('.skip'))
    .filter((each) => {
      const { height } = each.getBoundingClientRect();
      const after = getComputedStyle(each, '::after');
      return height < ${size} - 0.5 && after.position !== 'absolute';
    })
    .map((each) => each.outerHTML.slice(0, 100) + ' ' + each.getBoundingClientRect().height)`;
}

async function publish({ queue, prefix }: Pages): Promise<void> {
  const places = { namespace: 'jobs', jobNamespace: 'jobs' };
  const worker: PublishedWorker = {
    ...{
      v: 1,
      version: '1',
      startedAt: 0,
      at: Date.now() + 600_000,
      mode: 'off',
      watchAge: 1,
      ...places,
    },
    source: 'ConfigMap openfero: its annotation openfero.io/mode is "off"',
  };
  const invalid: PublishedOperarius = {
    ...{ v: 1, warnings: [], policy: {}, mode: 'run', resourceVersion: '1', ...places },
    ...{ problem: 'annotation openfero.io/cooldown is "5 min"', publisher: 'w', at: Date.now() },
  };
  await queue.redis.hset(workersKey(prefix), 'a', JSON.stringify(worker));
  await queue.redis.hset(operariiKey(prefix), operarius, JSON.stringify(invalid));
  const other = subjectOf(FAILED_TOO).operarius;
  const { problem: _none, ...valid } = invalid;
  const stop = { definition: '0123456789', until: 0, row: 1, at: Date.now() + 1_000 };
  await queue.redis.hset(operariiKey(prefix), other, JSON.stringify(valid));
  await queue.redis.hset(stoppedKey(prefix), other, JSON.stringify(stop));
}

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { after, before, suite, type TestContext, test } from 'node:test';
import { historyKey } from '@openfero/core/redis/history';
import { openPage, type Page, skipWithoutChromium } from '@openfero/testkit/chromium';
import type { Dashboard } from '../dashboard.ts';
import { end, fate, type Pages, startPages, subjectOf } from './fixture.ts';

interface Heard {
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

/** A stream of events as a browser reads it. */
async function listen(
  t: TestContext,
  { url }: Dashboard,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ response: IncomingMessage; next: (event: string) => Promise<Heard> }> {
  const sent = request(new URL(path, url), { headers, agent: false });
  t.after(() => sent.destroy());
  sent.on('error', () => undefined);
  sent.end();
  const [response] = await once(sent, 'response');
  response.setEncoding('utf8');
  const heard: Heard[] = [];
  let text = '';
  response.on('data', (chunk: string) => {
    text += chunk;
    const messages = text.split('\n\n');
    text = messages.pop() ?? '';
    heard.push(...messages.map(messageOf));
    response.emit('heard');
  });
  const next = async (event: string): Promise<Heard> => {
    for (;;) {
      const index = heard.findIndex((each) => each.event === event);
      const [found] = index === -1 ? [] : heard.splice(0, index + 1).slice(-1);
      if (found !== undefined) return found;
      await once(response, 'heard');
    }
  };
  return { response, next };
}

function messageOf(text: string): Heard {
  const lines = text.split('\n');
  const field = (name: string): string =>
    lines
      .filter((line) => line.startsWith(`${name}: `))
      .map((line) => line.slice(name.length + 2))
      .join('\n');
  return { event: field('event'), id: field('id'), data: field('data') };
}

suite('an open page', { concurrency: false, timeout: 120_000 }, () => {
  let pages: Pages;
  let dashboard: Dashboard;
  before(async () => {
    pages = await startPages('live');
    dashboard = await pages.start();
    await pages.write(end({ name: 'Known' }, 'created'));
    await reads('Known');
  });
  after(() => pages.close());

  async function reads(name: string): Promise<void> {
    while (!(await dashboard.ask('GET', `/?all=1&q=${name}`)).body.includes(`>${name}<`));
  }
  const eventsOf = async (path: string): Promise<string> => {
    const { body } = await dashboard.ask('GET', path);
    return (/data-events="([^"]*)"/.exec(body)?.[1] ?? '').replaceAll('&amp;', '&');
  };

  test('hears of a row that it has with the row, and of a new one by its id', async (t) => {
    const { next, response } = await listen(t, dashboard, await eventsOf('/?q=firing'));
    assert.match(response.headers['content-type'] ?? '', /^text\/event-stream/);
    assert.match(
      response.headers['content-security-policy']?.toString() ?? '',
      /default-src 'none'/,
    );
    await pages.write(fate({ name: 'Known' }, 'failed', 'BackoffLimitExceeded'));
    const row = await next('row');
    assert.match(
      row.data,
      /^<tr id="o-[^"]*" class="bad" data-shown="1">[\s\S]*Job failed[\s\S]*<\/tr>$/,
    );
    assert.match(row.id, /^\d+-\d+$/);
    await pages.write(
      end({ name: 'Unwanted', at: Date.now() }, 'no-operarius'),
      end({ name: 'NewOne', at: Date.now() }, 'created'),
    );
    const { data } = await next('new');
    assert.ok(data.endsWith(subjectOf({ name: 'NewOne' }).fingerprint), data);
  });

  test('has the same predicate as its filter', async (t) => {
    const { next } = await listen(t, dashboard, await eventsOf('/?match={zone%3D"dmz"}'));
    await pages.write(
      end({ name: 'OutsideDmz', at: Date.now() }, 'created'),
      end({ name: 'InDmz', at: Date.now(), labels: { zone: 'dmz' } }, 'created'),
    );
    assert.ok((await next('new')).data.endsWith(subjectOf({ name: 'InDmz' }).fingerprint));
  });

  test('hears of its own occurrence only, where it is a story', async (t) => {
    const { fingerprint, startsAt } = subjectOf({ name: 'Known' });
    const { next } = await listen(
      t,
      dashboard,
      await eventsOf(`/occurrences/${fingerprint}/${startsAt}`),
    );
    await pages.write(
      end({ name: 'AnotherOne', at: Date.now() }, 'created'),
      fate({ name: 'Known' }, 'deleted'),
    );
    const { data } = await next('row');
    assert.match(data, /data-shown="1"[\s\S]*>Known</);
  });

  test('misses nothing while it was away', async (t) => {
    const address = await eventsOf('/?q=Away');
    const first = await listen(t, dashboard, address);
    await pages.write(end({ name: 'Away1', at: Date.now() }, 'created'));
    const { id } = await first.next('new');
    first.response.destroy();
    const names = Array.from({ length: 300 }, (_, index) => `Away-later-${index}`);
    await pages.write(...names.map((name) => end({ name, at: Date.now() }, 'created')));
    await reads('Away-later-299');
    for (const again of [
      listen(t, dashboard, address, { 'last-event-id': id }),
      listen(t, dashboard, `${address}&resume=${id}`),
    ]) {
      const { next } = await again;
      const heard: string[] = [];
      while (heard.length < names.length) heard.push((await next('new')).data);
      assert.deepEqual(
        heard.map((each) => each.slice(-16)),
        names.map((name) => subjectOf({ name }).fingerprint),
      );
    }
  });

  test('is told to start over when Redis has lost the history', async (t) => {
    const address = await eventsOf('/');
    const { next } = await listen(t, dashboard, address);
    await pages.queue.redis.del(historyKey('live'));
    await next('changed');
    const late = await listen(t, dashboard, address);
    await late.next('changed');
    const { body } = await dashboard.ask('GET', '/');
    assert.match(body, /The history is empty/);
    await pages.write(end({ name: 'Known' }, 'created'));
    await reads('Known');
  });

  test('is one of a limited number, and all of them end when the dashboard stops', async (t) => {
    const own = await pages.start();
    const streams = [];
    for (;;) {
      const stream = await listen(t, own, '/events');
      if (stream.response.statusCode === 503) break;
      assert.equal(stream.response.statusCode, 200);
      streams.push(stream);
    }
    assert.equal(streams.length, 200);
    const ends = Promise.all(streams.map(({ response }) => once(response, 'end')));
    const since = performance.now();
    assert.deepEqual(await own.service.stop(), { code: 0, signal: null });
    await ends;
    assert.ok(performance.now() - since < 5_000);
  });

  suite('in Chromium', { skip: skipWithoutChromium() }, () => {
    let page: Page;
    before(async () => {
      page = await openPage();
    });
    after(async () => page?.close());

    const row = `document.querySelector('tr[id$="${subjectOf({ name: 'Known' }).fingerprint}"]')`;

    test('replaces a row in its place, and the focus stays', async () => {
      await page.open(`${dashboard.url}/`);
      await page.until(`${row} !== null`);
      await page.evaluate(`${row}.querySelector('a').focus(); window.old = ${row}`);
      const top = await page.evaluate('document.scrollingElement.scrollTop');
      await pages.write(fate({ name: 'Known' }, 'succeeded'));
      await page.until(`${row} !== window.old && ${row}.innerText.includes('Job succeeded')`);
      assert.equal(await page.evaluate(`${row}.contains(document.activeElement)`), true);
      assert.equal(await page.evaluate('document.scrollingElement.scrollTop'), top);
    });

    test('only counts new ones, and shows them when asked to', async () => {
      for (const name of ['First', 'Second', 'Second']) {
        await pages.write(end({ name, at: Date.now() }, 'rejected'));
      }
      await page.until(`document.querySelector('[data-fresh]').innerText === '2 new: show'`);
      assert.equal(await page.evaluate(`document.body.innerText.includes('Second')`), false);
      await page.evaluate(`document.querySelector('[data-fresh]').click()`);
      await page.until(`document.body?.innerText.includes('Second') === true`);
    });

    test('says new ones to a screen reader, ten seconds apart', async () => {
      await page.until(`document.querySelector('[role=status]') !== null`);
      await pages.write(end({ name: 'Third', at: Date.now() }, 'rejected'));
      await page.until(`document.querySelector('[role=status]').textContent === '1 new'`);
    });

    test('keeps focus, scroll and filter while 20 entries a second come', async () => {
      const names = Array.from({ length: 45 }, (_, index) => `Busy-${index}`);
      const busy = (name: string, index: number) => ({ name, at: Date.now() - index * 1000 });
      await pages.write(...names.map((name, index) => end(busy(name, index), 'created')));
      await reads('Busy-44');
      const address = `${dashboard.url}/?q=Busy`;
      await page.open(address);
      const focused = `document.querySelector('tr[id$="${subjectOf({ name: 'Busy-20' }).fingerprint}"] a')`;
      await page.until(`location.search === '?q=Busy' && ${focused} !== null`);
      await page.evaluate(`${focused}.focus(); ${focused}.scrollIntoView({ block: 'center' })`);
      // On the screen: the browser itself makes up for what becomes higher above.
      const look = `JSON.stringify([document.activeElement.innerText, location.href,
        document.querySelectorAll('tbody th').length,
        Math.round(document.activeElement.getBoundingClientRect().top / 4)])`;
      const before = await page.evaluate(look);
      for (let second = 0; second < 3; second++) {
        // Some change a row above the focus, in it and below, some are new, some are none of this list.
        for (let index = 0; index < 20; index++) {
          const name = names[(second * 20 + index * 2 + (index % 2)) % 45] ?? '';
          const entries = [
            fate({ name }, 'succeeded'),
            end({ name: `Busy-new-${second}-${index}`, at: Date.now() }, 'created'),
            end({ name: `Other-${second}-${index}`, at: Date.now() }, 'created'),
          ];
          await pages.write(entries[index % 3] ?? fate({ name }, 'succeeded'));
          await page.evaluate('new Promise((resolve) => setTimeout(resolve, 50))');
        }
        assert.equal(await page.evaluate(look), before);
      }
      await pages.write(fate({ name: 'Busy-20' }, 'failed'));
      await page.until(`${focused}.closest('tr').innerText.includes('Job failed')`);
      await page.until(`document.querySelector('[data-fresh]').innerText === '21 new: show'`);
      assert.equal(await page.evaluate(look), before);
    });

    test('misses no row after it was cut off', async () => {
      const { fingerprint } = subjectOf({ name: 'Busy-7' });
      const seventh = `document.querySelector('tr[id$="${fingerprint}"]').innerText`;
      await page.open(`${dashboard.url}/?q=Busy-`);
      await page.until(`location.search === '?q=Busy-' && document.readyState === 'complete'`);
      await pages.write(end({ name: 'Busy-before', at: Date.now() }, 'created'));
      await page.until(`document.querySelector('[data-fresh]').innerText === '1 new: show'`);
      await page.cutOff(true);
      await pages.write(
        fate({ name: 'Busy-7' }, 'failed'),
        end({ name: 'Busy-away', at: Date.now() }, 'created'),
      );
      await reads('Busy-away');
      assert.doesNotMatch(String(await page.evaluate(seventh)), /failed/);
      await page.cutOff(false);
      await page.until(`document.querySelector('[data-fresh]').innerText === '2 new: show'`);
      await page.until(`${seventh}.includes('Job failed')`);
    });

    test('is empty within 2 seconds of a FLUSHALL, and says so', async () => {
      await page.open(`${dashboard.url}/?q=Known`);
      await page.until(`location.search === '?q=Known' && ${row} !== null`);
      await pages.queue.redis.flushall();
      const since = performance.now();
      await page.until(`document.body?.innerText.includes('The history is empty') === true`);
      assert.ok(performance.now() - since < 2_000, `${performance.now() - since} ms`);
    });

    test('complains of nothing but the cut', () => {
      const others = page.complaints.filter((each) => !/ERR_INTERNET_DISCONNECTED/.test(each));
      assert.deepEqual(others, []);
    });
  });

  suite('without JavaScript', { skip: skipWithoutChromium() }, () => {
    test('lists, filters, pages and tells the story', async () => {
      const names = Array.from({ length: 60 }, (_, index) => `Plain-${index}`);
      await pages.write(...names.map((name) => end({ name }, 'off')));
      await reads('Plain-59');
      const page = await openPage();
      try {
        await page.allowScripts(false);
        await page.open(`${dashboard.url}/`);
        await page.until(`document.querySelectorAll('tbody th').length === 50`);
        await page.evaluate(`document.querySelector('.more a:last-child').click()`);
        await page.until(`document.querySelectorAll('tbody th').length === 10`);
        await page.evaluate(`document.querySelector('#q').value = 'Plain-42'`);
        await page.evaluate(`document.querySelector('.search button').click()`);
        await page.until(`document.querySelector('tbody th a.name')?.innerText === 'Plain-42'`);
        await page.evaluate(`document.querySelector('tbody th a.name').click()`);
        await page.until(
          `document.querySelector('.answers')?.innerText.includes('No: off') === true`,
        );
        const isOff = `getComputedStyle(document.querySelector('[data-fresh]')).display === 'none'`;
        assert.equal(await page.evaluate(isOff), true);
      } finally {
        await page.close();
      }
    });
  });
});

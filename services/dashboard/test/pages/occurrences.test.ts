import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import {
  lastNotificationKey,
  type PublishedWorker,
  workersKey,
} from '@openfero/core/redis/published';
import type { Dashboard } from '../dashboard.ts';
import { remediation } from '../remediations.ts';
import {
  end,
  fate,
  held,
  idOf,
  MINUTE,
  type Pages,
  resolved,
  startPages,
  subjectOf,
  textOf,
} from './fixture.ts';

const HELPED = { name: 'Helped' };
const FAILED = { name: 'JobFailed' };
const OLD = { name: 'FromLastWeek', at: Date.now() - 7 * 24 * 60 * MINUTE };

suite('the list of occurrences', { concurrency: false }, () => {
  let pages: Pages;
  let dashboard: Dashboard;

  before(async () => {
    pages = await startPages('list');
    dashboard = await pages.start();
    await pages.write(
      end(HELPED, 'created'),
      fate(HELPED, 'succeeded'),
      resolved(HELPED, 5),
      end(FAILED, 'created'),
      fate(FAILED, 'failed', 'BackoffLimitExceeded'),
      end({ name: 'Expired', labels: { zone: 'dmz' } }, 'expired'),
      end({ name: 'Rejected' }, 'rejected'),
      held({ name: 'Held' }, 'max-active'),
      end({ name: 'NoOperarius' }, 'no-operarius'),
      end({ name: 'NotMatched' }, 'not-matched'),
    );
    await pages.queue.queue.add('remediation', remediation(idOf('Held'), {}), {
      jobId: idOf('Held'),
      delay: 60 * MINUTE,
    });
    await pages.queue.add('waiting-one', { alertname: 'Waits' });
    await shows('/', 'NotMatched|hidden');
  });
  after(() => pages.close());

  const get = async (path: string): Promise<string> => {
    const { status, body } = await dashboard.ask('GET', path);
    assert.equal(status, 200, body);
    return body;
  };
  /** Waits until the dashboard has read what was written. */
  async function shows(path: string, words: string): Promise<string> {
    for (;;) {
      const body = await get(path);
      if (new RegExp(words).test(textOf(body))) return body;
    }
  }
  const namesIn = (body: string): string[] =>
    [...body.matchAll(/class="name" [^>]*>([^<]*)</g)].map(([, name = '']) => name).sort();

  test('leaves out what nobody wrote an operarius for, and says how much', async () => {
    const body = await get('/');
    assert.deepEqual(namesIn(body), [
      'Expired',
      'Held',
      'Helped',
      'JobFailed',
      'Rejected',
      'Waits',
    ]);
    assert.match(textOf(body), /2 hidden, since no operarius is for them: show/);
    assert.ok(namesIn(await get('/?all=1')).includes('NoOperarius'));
  });

  test('says of each what became of it, why, and whether it helped', async () => {
    const text = textOf(await get('/'));
    assert.match(
      text,
      /Helped critical shop Job succeeded .*succeeded in 59 s resolved 4 min after/,
    );
    assert.match(
      text,
      /JobFailed critical shop Job failed every try of the Job failed \(BackoffLimitExceeded\)/,
    );
    assert.match(text, /Expired critical shop expired expired for a reason/);
    assert.match(text, /Waits waiting/);
    assert.match(
      text,
      /Held held its operarius has as many unfinished Jobs as max-active allows; next look/,
    );
  });

  test('counts what needs a look, and each chip shows just these', async () => {
    const text = textOf(await get('/'));
    assert.match(text, /All 5 Failed Job 1 Failed remediation 1 Expired 1 Held 1/);
    for (const [only, name] of [
      ['job-failed', 'JobFailed'],
      ['failed', 'Rejected'],
      ['expired', 'Expired'],
      ['held', 'Held'],
    ]) {
      const names = namesIn(await get(`/?only=${only}`)).filter((each) => each !== 'Waits');
      assert.deepEqual(names, [name], only);
    }
  });

  test('has a title that begins with the count that matters', async () => {
    assert.match(await get('/'), /<title>3 failed · OpenFero<\/title>/);
    assert.match(await get('/?q=Helped'), /<title>1 occurrence · OpenFero<\/title>/);
  });

  const filters: [query: string, names: string[]][] = [
    ['match=zone%3D"dmz"', ['Expired']],
    ['match={zone!~"d.*",alertname%3D~"Job.*|Exp.*"}', ['JobFailed']],
    ['outcome=rejected', ['Rejected']],
    ['outcome=no-operarius', ['NoOperarius']],
    ['operarius=openfero-helped-firing', ['Helped']],
    ['fate=failed', ['JobFailed']],
    ['q=jobfailed-firing-0123', ['JobFailed']],
    ['q=shop%20EXPI', ['Expired']],
    [`from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z`, []],
  ];
  for (const [query, names] of filters) {
    test(`?${query} shows ${names.join() || 'none'}`, async () => {
      const body = await get(`/?${query}`);
      const shown = namesIn(body).filter((name) => name !== 'Waits');
      assert.deepEqual(shown, names);
    });
  }

  test('says which part of the filter it could not read, and where', async () => {
    const text = textOf(await get('/?match={zone%3D&only=nothing'));
    assert.match(
      text,
      /match: expected a value .* at character 7, found the end\. This part of the filter is left out/,
    );
    assert.match(text, /only: "nothing" is not one of/);
  });

  test('keeps the filter in its form, its chips and its event stream', async () => {
    const body = await get('/?q=shop&match=zone%3D"dmz"');
    assert.match(body, /name="q"[^>]* value="shop"/);
    assert.match(body, /name="match" value="zone=&quot;dmz&quot;"/);
    assert.match(body, /href="\/\?match=zone%3D%22dmz%22&amp;q=shop&amp;only=expired"/);
    assert.match(
      body,
      /data-events="\/events\?match=zone%3D%22dmz%22&amp;q=shop&amp;since=\d+-\d+"/,
    );
  });

  test('keeps every time that its URL names', async () => {
    const body = await get('/?last=3h&from=2026-11-22T03:00:01Z');
    assert.match(body, /<option value="3h" selected>3h</);
    assert.match(body, /step="1" name="from" value="2026-11-22T03:00:01"/);
    assert.match(await get('/?last=7d'), /<option value="7d" selected>7 days</);
  });

  test('tells an empty answer from an unknown one', async () => {
    assert.match(
      textOf(await get('/?q=nothing-like-this')),
      /The history begins .*: what was before is not known/,
    );
    const now = encodeURIComponent(new Date().toISOString());
    const text = textOf(await get(`/?q=nothing-like-this&from=${now}`));
    assert.match(text, /The history has all of this time: nothing came/);
  });

  test('says on each page whether OpenFero works, and what nobody has said', async () => {
    for (const path of ['/', '/operarii']) {
      const text = textOf(await get(path));
      assert.match(
        text,
        /No worker is alive\. .* Switch unknown Workers alive 0 Last notification none yet Watch age unknown/,
      );
    }
    const worker: PublishedWorker = {
      ...{ v: 1, version: '1', startedAt: 0, at: Date.now(), mode: 'off', watchAge: 4_000 },
      ...{ source: 'ConfigMap openfero: its annotation', namespace: 'ops', jobNamespace: 'jobs' },
      since: Date.now() - 5 * MINUTE,
    };
    await pages.queue.redis.hset(workersKey('list'), 'a', JSON.stringify(worker), 'b', '{broken');
    await pages.queue.redis.set(lastNotificationKey('list'), Date.now() - 12_000);
    const text = textOf(await get('/operarii'));
    assert.match(
      text,
      /OpenFero is switched off: no alert gets a Job\. Set by ConfigMap openfero: its annotation , 5 min ago/,
    );
    assert.match(
      text,
      /kubectl -n ops annotate configmap openfero openfero\.io\/mode=run --overwrite/,
    );
    assert.match(
      text,
      /Switch off since [^W]*Z Workers alive 1 Last notification 1[2-9] s ago Watch age [4-9] s/,
    );
    await pages.queue.redis.hset(
      workersKey('list'),
      'a',
      JSON.stringify({ ...worker, at: 1, mode: 'run' }),
    );
    assert.match(textOf(await get('/')), /No worker is alive\./);
    await pages.queue.redis.del(workersKey('list'));
  });

  test('says why nothing can be changed, and how to change that', async () => {
    assert.match(
      textOf(await get('/')),
      /Read-only, since nobody logs in: .* set OPENFERO_AUTH to basic or bearer/,
    );
    const answer = await dashboard.ask('POST', `/remediations/${subjectOf(FAILED).id}/retry`);
    assert.equal(answer.status, 405);
  });

  test('is paged by cursors: each row once, also while others come', async () => {
    const many = Array.from({ length: 120 }, (_, index) => end({ name: `Many${index}` }, 'off'));
    await pages.write(...many);
    let body = await shows('/?q=Many', 'Many119');
    const names = namesIn(body);
    await pages.write(end({ name: 'ManyLater' }, 'off'));
    await shows('/?q=ManyLater', 'ManyLater');
    for (;;) {
      const [, older] = /href="([^"]*after=[^"]*)">Older/.exec(body) ?? [];
      if (older === undefined) break;
      body = await get(older.replaceAll('&amp;', '&'));
      names.push(...namesIn(body));
    }
    assert.deepEqual(names.sort(), many.map(({ alertname }) => alertname).sort());
  });

  test('is there for machines too, with the same rows', async () => {
    const body = await get('/history.jsonl?match=zone%3D"dmz"');
    const [line, ...more] = body.trimEnd().split('\n');
    assert.deepEqual(more, []);
    const row = JSON.parse(line ?? '');
    assert.equal(row.alertname, 'Expired');
    assert.equal(row.firing.outcome, 'expired');
    assert.match(row.firing.endedAt, /^\d{4}-.*Z$/);
    assert.equal((await dashboard.ask('GET', '/history.jsonl?match={')).status, 400);
    const all = (await get('/history.jsonl')).trimEnd().split('\n');
    assert.ok(all.length > 120, `${all.length}`);
  });

  test('goes back as far as it is asked to', async () => {
    await pages.write(end(OLD, 'off', { receivedAt: OLD.at, endedAt: OLD.at + 1 }));
    await shows('/?q=FromLastWeek', 'FromLastWeek');
  });
});

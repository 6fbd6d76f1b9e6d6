import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { Entry } from '@openfero/core/history/entry';
import { NEVER } from '@openfero/core/instant';
import { placeOf, placesKey } from '@openfero/core/redis/places';
import { cannotStartKey } from '@openfero/core/redis/published';
import { openPage, type Page, skipWithoutChromium } from '@openfero/testkit/chromium';
import { remediation } from '@openfero/testkit/remediations';
import type { Dashboard } from '../dashboard.ts';
import {
  type Case,
  end,
  fate,
  held,
  idOf,
  MINUTE,
  type Pages,
  resolved,
  startPages,
  subjectOf,
} from './fixture.ts';

/** What the person on call reads, in this order. */
interface Answers {
  readonly ran: RegExp;
  readonly why: RegExp;
  readonly job: RegExp;
  readonly isResolved: RegExp;
}

interface Told {
  readonly name: string;
  readonly entries: (given: Case) => readonly Entry[];
  /** What Redis knows besides the history. */
  readonly now?: (given: Case, pages: Pages) => Promise<unknown>;
  readonly answers: Partial<Answers>;
}

const NONE: Answers = {
  ran: /^No: /,
  why: /for a reason/,
  job: /^There is no Job$/,
  isResolved: /^No word: it fired .* ago$/,
};

const ended = (outcome: Parameters<typeof end>[1], word: string): Told => ({
  name: `Ended-${outcome}`,
  entries: (given) => [end(given, outcome)],
  answers: {
    ...NONE,
    ran: new RegExp(`^No: ${word} `),
    why: new RegExp(`^${outcome} for a reason`),
  },
});

const CREATED: Partial<Answers> = {
  ran: /^Yes, a Job was created /,
  why: /^an operarius is defined for this alert/,
};

const takePlace = ({ name }: Case, { queue, prefix }: Pages): Promise<unknown> => {
  const { operarius } = subjectOf({ name });
  return queue.redis.zadd(placesKey(prefix), Date.now(), placeOf(operarius, jobOf(name)));
};
const jobOf = (name: string): string => `${subjectOf({ name }).operarius}-0123456789`;

const delay = async ({ name }: Case, { queue }: Pages, failedReason?: string): Promise<void> => {
  const data = remediation(name, { id: idOf(name) });
  await queue.queue.add('remediation', data, { jobId: data.id, delay: 60 * MINUTE });
  if (failedReason !== undefined) {
    await queue.redis.hset(queue.queue.toKey(data.id), 'failedReason', failedReason);
  }
};

const CASES: readonly Told[] = [
  {
    name: 'Job-succeeded',
    entries: (given) => [end(given, 'created'), fate(given, 'succeeded'), resolved(given, 5)],
    answers: {
      ...CREATED,
      job: /^Job succeeded after 59 s/,
      isResolved: /^Yes, .* ago resolved 4 min after the Job$/,
    },
  },
  {
    name: 'Job-failed',
    entries: (given) => [end(given, 'created'), fate(given, 'failed', 'BackoffLimitExceeded')],
    answers: {
      ...CREATED,
      job: /^Job failed after 59 s; every try of the Job failed/,
      isResolved: /^No word/,
    },
  },
  {
    name: 'Job-deleted',
    entries: (given) => [end(given, 'created'), fate(given, 'deleted')],
    answers: { ...CREATED, job: /^Job deleted the Job was deleted before it had ended/ },
  },
  {
    name: 'Job-runs',
    entries: (given) => [end(given, 'created')],
    now: takePlace,
    answers: { ...CREATED, job: /^Job running/ },
  },
  {
    name: 'Job-cannot-start',
    entries: (given) => [end(given, 'created')],
    now: async (given, pages) => {
      await takePlace(given, pages);
      const reason = 'serviceaccount "cleaner" not found';
      await pages.queue.redis.hset(cannotStartKey(pages.prefix), jobOf(given.name), reason);
    },
    answers: { ...CREATED, job: /^Job cannot start serviceaccount "cleaner" not found/ },
  },
  {
    name: 'Job-no-word',
    entries: (given) => [end(given, 'created')],
    answers: { ...CREATED, job: /^Job: no word the Job is gone, and nobody saw how it ended/ },
  },
  ended('deduplicated', 'deduplicated'),
  ended('no-operarius', 'no operarius'),
  ended('not-matched', 'not matched'),
  ended('own-job', 'own Job'),
  ended('superseded', 'superseded'),
  ended('suppressed', 'suppressed'),
  ended('stopped', 'stopped'),
  ended('dry-run', 'dry run'),
  ended('off', 'off'),
  ended('invalid-operarius', 'invalid operarius'),
  ended('rejected', 'rejected'),
  ended('expired', 'expired'),
  {
    ...ended('unreadable', 'unreadable'),
    // It has no alert: its id is all that the log names.
    entries: (given) => [
      { ...end(given, 'unreadable'), alertname: '', fingerprint: '', startsAt: NEVER, labels: {} },
    ],
  },
  {
    name: 'Waits-held',
    entries: (given) => [held(given, 'max-active')],
    now: delay,
    answers: {
      ran: /^Not yet: held/,
      why: /^its operarius has as many unfinished Jobs as max-active allows; next look/,
      job: /^There is no Job$/,
    },
  },
  {
    name: 'Waits-retrying',
    entries: () => [],
    now: (given, pages) => delay(given, pages, 'exceeded quota: jobs'),
    answers: {
      ran: /^Not yet: retrying/,
      why: /^exceeded quota: jobs; next try/,
      job: /^There is no Job$/,
    },
  },
  {
    name: 'Nobody-knows',
    entries: (given) => [held(given, 'max-active')],
    answers: { ran: /^Nobody knows/, why: /no end of it is on record/, job: /^There is no Job$/ },
  },
  {
    name: 'Was-removed',
    entries: (given) => [
      end(given, 'rejected'),
      {
        kind: 'act',
        act: 'remove',
        id: idOf(given.name),
        user: 'ann',
        address: '::1',
        at: Date.now(),
      },
    ],
    answers: { ...NONE, ran: /^No: removed/, why: /^ann removed it at/ },
  },
];

suite('on a phone', { concurrency: false, skip: skipWithoutChromium(), timeout: 120_000 }, () => {
  let pages: Pages;
  let dashboard: Dashboard;
  let page: Page;
  before(async () => {
    pages = await startPages('phone');
    const given = CASES.map(({ name }) => ({ name }));
    for (const [index, { now }] of CASES.entries())
      await now?.(given[index] ?? { name: '' }, pages);
    // Many wait: the ones that somebody looks for are not the first.
    for (let index = 0; index < 20; index++) await delay({ name: `Flood${index}` }, pages);
    await pages.write(
      ...CASES.flatMap(({ entries }, index) => entries(given[index] ?? { name: '' })),
    );
    dashboard = await pages.start();
    page = await openPage();
    await page.emulate({ width: 390, height: 844, isTouched: true });
  });
  after(async () => {
    await page?.close();
    await pages?.close();
  });

  const ask = (expression: string): Promise<unknown> => page.evaluate(expression);

  for (const { name, answers } of CASES) {
    test(`from ${name} to what became of it are two taps, and nobody scrolls`, async () => {
      const { id, alertname } = subjectOf({ name });
      const words = name === 'Ended-unreadable' ? id : alertname;
      await page.open(`${dashboard.url}/`);
      await page.until(`location.search === '' && document.querySelector('#q') !== null`);
      await ask(`document.querySelector('#q').value = ${JSON.stringify(words)}`);
      await ask(`document.querySelector('.search button').click()`);
      const link = `document.querySelector('tbody th a.name')`;
      await page.until(`location.search.includes(${JSON.stringify(words)}) && ${link} !== null`);
      assert.equal(await ask(`document.querySelectorAll('tbody th a.name').length`), 1);
      assert.equal(await ask(`${link}.getBoundingClientRect().bottom <= innerHeight`), true);
      await ask(`${link}.click()`);
      await page.until(`document.querySelector('.answers') !== null`);
      const told = await ask(
        `[...document.querySelectorAll('.answers dd')].map((each) => each.innerText.replace(/\\s+/g, ' '))`,
      );
      assert.ok(Array.isArray(told));
      const [ran, why, job, isResolved] = told;
      const said = { ran, why, job, isResolved };
      for (const [question, answer] of Object.entries(answers)) {
        assert.match(String(Object(said)[question]), answer, question);
      }
      const bottom = await ask(`document.querySelector('.answers').getBoundingClientRect().bottom`);
      assert.ok(Number(bottom) <= 844, `${bottom}: no scrolling for the answers`);
      const green = await ask(
        `[...document.querySelectorAll('.answers div:nth-child(3) .good')].length`,
      );
      assert.equal(green, name === 'Job-succeeded' ? 1 : 0, 'green is a Job that succeeded');
    });
  }

  test('no request left the origin, and the browser met nothing to complain of', () => {
    const foreign = page.requests.filter(
      (url) => !url.startsWith(dashboard.url) && !/^(data|about):/.test(url),
    );
    assert.deepEqual(foreign, []);
    assert.deepEqual(page.complaints, []);
  });
});

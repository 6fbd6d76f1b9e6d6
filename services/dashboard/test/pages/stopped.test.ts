import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { EffectEntry } from '@openfero/core/history/entry';
import { checksKey } from '@openfero/core/redis/checks';
import { readStopped, stoppedKey } from '@openfero/core/redis/stopped';
import { verdictsKey } from '@openfero/core/redis/verdicts';
import type { Dashboard } from '../dashboard.ts';
import {
  type Case,
  end,
  fate,
  MINUTE,
  type Pages,
  startPages,
  subjectOf,
  textOf,
} from './fixture.ts';

const FORM = {
  'sec-fetch-site': 'same-origin',
  authorization: `Basic ${Buffer.from('ann:s3cret').toString('base64')}`,
};
const LOGIN = {
  OPENFERO_AUTH: 'basic',
  OPENFERO_AUTH_USER: 'ann',
  OPENFERO_AUTH_PASSWORD: 's3cret',
};
const PREFIX = 'stops';
const OPERARIUS = 'openfero-full-firing';
const PATH = `/operarii/${OPERARIUS}`;
const DEFINITION = '0123456789';

const AT = Date.now() - 60 * MINUTE;
const run = (number: number): Case => ({ name: `Run${number}`, at: AT + number * MINUTE });
const job = (number: number) => ({ operarius: OPERARIUS, job: `full-${number}` });

const effect = (number: number, how: EffectEntry['effect']): EffectEntry => ({
  ...{ ...subjectOf(run(number)), kind: 'effect', effect: how, uid: `u${number}` },
  ...{ ...job(number), at: Date.now() },
});

suite('an operarius that is stopped', { concurrency: false }, () => {
  let pages: Pages;
  let dashboard: Dashboard;
  let readOnly: Dashboard;

  before(async () => {
    pages = await startPages(PREFIX);
    dashboard = await pages.start(LOGIN);
    readOnly = await pages.start();
    const all = [0, 1, 2, 3, 4];
    await pages.write(
      ...all.map((number) => end(run(number), 'created', job(number))),
      ...all.map((number) => ({
        ...fate(run(number), number < 3 ? 'succeeded' : 'failed', ''),
        ...job(number),
      })),
      effect(0, 'resolved'),
      effect(1, 'unknown'),
      effect(2, 'firing'),
    );
    await stop();
    while (!(await read('/?q=Run4&all=1')).includes('Run4')) await pages.queue.redis.ping();
  });
  after(() => pages.close());

  async function stop(): Promise<void> {
    const at = Date.now() + 1_000;
    const stopped = { definition: DEFINITION, until: at + 30 * MINUTE, row: 3, at };
    const { redis } = pages.queue;
    await redis.hset(stoppedKey(PREFIX), OPERARIUS, JSON.stringify(stopped));
    await redis.zadd(verdictsKey(PREFIX, OPERARIUS, DEFINITION), 1, 'bu4');
  }
  const read = async (path: string, on = dashboard): Promise<string> =>
    (await on.ask('GET', path, on === dashboard ? FORM : {})).body;

  test('says since when, until when and why: the runs, each with its story', async () => {
    const body = await read(PATH);
    assert.match(body, /<title>stopped: openfero-full-firing/);
    assert.match(textOf(body), /Stopped until .* 3 bad runs in a row of definition 0123456789/);
    const [, list = ''] =
      /3 bad runs in a row[\s\S]*?<ol class="line">([\s\S]*?)<\/ol>/.exec(body) ?? [];
    assert.match(
      textOf(list),
      /Run4 Job failed full-4 .* Run3 Job failed full-3 .* Run2 did not help full-2/,
    );
    const { fingerprint } = subjectOf(run(2));
    assert.ok(list.includes(`href="/occurrences/${fingerprint}/`));
    assert.doesNotMatch(list, /Run1/);
  });

  test('has stories that say whether the alert still fires', async () => {
    const story = async (number: number): Promise<string> => {
      const { fingerprint, startsAt } = subjectOf(run(number));
      return textOf(await read(`/occurrences/${fingerprint}/${startsAt}`));
    };
    assert.match(await story(2), /Has the alert resolved\? No, still firing (now|\d+ s ago)/);
    assert.match(await story(3), /Has the alert resolved\? No word: it fired/);
  });

  test('says how many of its Jobs helped in seven days, without those of which nobody knows', async () => {
    assert.match(textOf(await read(PATH)), /Helped, last 7 days 1 of 2 1 unknown/);
    assert.match(textOf(await read('/operarii')), /stopped until .* 1 of 2 1 unknown/);
  });

  test('is counted on every page, and in the title of the list', async () => {
    for (const path of ['/', '/operarii', PATH, '/retry?only=failed']) {
      assert.match(textOf(await read(path)), /Stopped operarius 1/, path);
    }
    assert.match(await read('/operarii'), /<title>1 stopped operarii/);
  });

  test('cannot be re-armed where it is read-only, and the page says why', async () => {
    const body = await read(PATH, readOnly);
    assert.doesNotMatch(body, /<form[^>]*rearm/);
    assert.match(textOf(body), /Read-only, since nobody logs in/);
    assert.match(body, /annotate configmap openfero-full-firing openfero.io\/rearm/);
    assert.equal((await readOnly.ask('POST', `${PATH}/rearm`, FORM, '')).status, 405);
  });

  test('runs again at once for a person, once, with its count begun anew and the user on record', async () => {
    assert.match(await read(PATH), new RegExp(`<form[^>]*action="${PATH}/rearm"`));
    const answers = await Promise.all(
      [1, 2].map(() => dashboard.ask('POST', `${PATH}/rearm`, FORM, '')),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [303, 409]);
    assert.equal(answers.find(({ status }) => status === 303)?.headers.location, PATH);
    const { redis } = pages.queue;
    const stopped = readStopped(await redis.hget(stoppedKey(PREFIX), OPERARIUS));
    assert.equal(stopped?.by, 'ann');
    assert.ok(stopped.until <= Date.now());
    assert.equal(await redis.exists(verdictsKey(PREFIX, OPERARIUS, DEFINITION)), 0);
    const line = await dashboard.service.waitForLine(({ action }) => action === 'rearm');
    assert.deepEqual([line['user'], line['subject']], ['ann', OPERARIUS]);
    const entries = await redis.xrevrange(`${PREFIX}:history`, '+', '-', 'COUNT', 1);
    assert.match(
      entries[0]?.[1][3] ?? '',
      /"act":"rearm","id":"openfero-full-firing","user":"ann"/,
    );
    const body = await read(PATH);
    assert.doesNotMatch(textOf(body), /Stopped until/);
    assert.match(await read('/metrics'), /^openfero_acts_total\{act="rearm"\} 1$/m);
  });

  test('shows how it was stopped and re-armed before', async () => {
    const about = { operarius: OPERARIUS, definition: DEFINITION, at: Date.now() };
    await pages.write(
      { kind: 'stopped', ...about, until: 0, row: 3 },
      { kind: 'rearmed', ...about, how: 'person', user: '<b>ann</b>' },
    );
    let text = '';
    while (!text.includes('Re-armed')) text = textOf(await read(PATH));
    assert.match(text, /Re-armed by <b>ann<\/b> .* Stopped after 3 bad runs in a row/);
  });
});

test('a ConfigMap that only has the name of an operarius is none, until somebody publishes it', async () => {
  const pages = await startPages('bare');
  try {
    const dashboard = await pages.start();
    const checks = { bare: { unlabelled: true }, wrong: { unlabelled: true, problem: 'no label' } };
    for (const [name, check] of Object.entries(checks)) {
      const field = JSON.stringify({ version: 'v', ...check });
      await pages.queue.redis.hset(checksKey('bare'), `openfero-${name}-firing`, field);
    }
    const text = textOf((await dashboard.ask('GET', '/operarii')).body);
    assert.match(text, /openfero-wrong-firing/);
    assert.doesNotMatch(text, /openfero-bare-firing/);
  } finally {
    await pages.close();
  }
});

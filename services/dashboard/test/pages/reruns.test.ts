import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { readRemediation } from '@openfero/core/redis/remediation';
import { remediation } from '@openfero/testkit/remediations';
import type { Dashboard } from '../dashboard.ts';
import {
  end,
  fate,
  idOf,
  MINUTE,
  type Pages,
  resolved,
  startPages,
  subjectOf,
  textOf,
} from './fixture.ts';

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
const AT = Date.now() - 30 * MINUTE;

suite('a person who has a failed Job run again', { concurrency: false }, () => {
  let pages: Pages;
  let dashboard: Dashboard;
  /** A second one, as another tab may be of. */
  let other: Dashboard;
  let readOnly: Dashboard;

  const ids = ['Failed', 'Twice', 'Resolved', 'Well'];
  before(async () => {
    pages = await startPages('reruns');
    dashboard = await pages.start(LOGIN);
    other = await pages.start(LOGIN);
    readOnly = await pages.start();
    for (const name of ids) {
      const data = remediation(name, { id: idOf(name), labels: { zone: 'dmz' }, receivedAt: AT });
      await pages.queue.queue.add('remediation', data, { jobId: data.id });
      const job = await pages.queue.take();
      const result = { outcome: 'created', operarius: 'o', reason: 'created', job: 'j' };
      await job.moveToCompleted(result, 'token', false);
    }
    const names = ['Failed', 'Twice', 'Resolved', 'Forgotten'].map((name) => ({ name, at: AT }));
    await pages.write(
      ...names.map((each) => end(each, 'created')),
      ...names.map((each) => fate(each, 'failed', 'BackoffLimitExceeded')),
      resolved({ name: 'Resolved', at: AT }, 5),
      end({ name: 'Well', at: AT }, 'created'),
      fate({ name: 'Well', at: AT }, 'succeeded'),
      end({ name: 'Last' }, 'rejected'),
    );
    for (const each of [dashboard, other, readOnly]) {
      while (!(await get('/?q=Last', each)).includes('>Last<'));
    }
  });
  after(() => pages.close());

  const get = async (path: string, from = dashboard): Promise<string> =>
    (await from.ask('GET', path, FORM)).body;
  const storyOf = (name: string): string => {
    const { fingerprint, startsAt } = subjectOf({ name, at: AT });
    return `/occurrences/${fingerprint}/${startsAt}`;
  };
  const press = (name: string, on = dashboard): ReturnType<Dashboard['ask']> =>
    on.ask('POST', `/remediations/${idOf(name)}/rerun`, FORM, '');

  test('finds the way in its row, is asked, and is led to the new remediation', async () => {
    const [, way = ''] = /class="again" href="([^"]*)"/.exec(await get('/?q=Failed')) ?? [];
    assert.equal(way, `/remediations/${idOf('Failed')}/rerun`);
    const question = await get(way);
    assert.match(textOf(question), /Run the Job of Failed again\? .*every try of the Job failed/);
    assert.match(question, new RegExp(`method="post" action="${way}"`));
    const answer = await press('Failed');
    assert.equal(answer.status, 303, answer.body);
    assert.equal(answer.headers.location, '/remediations/rerun-uid-Failed');
    assert.match(
      textOf(await get('/remediations/rerun-uid-Failed')),
      /Did it run\? Not yet: waiting/,
    );
    const queued = await pages.queue.queue.getJob('rerun-uid-Failed');
    const { id, alert, receivedAt, rerun, retriedAt = 0 } = readRemediation(queued?.data);
    assert.equal(id, 'rerun-uid-Failed');
    assert.deepEqual(alert.labels, { alertname: 'Failed', zone: 'dmz' });
    assert.equal(receivedAt, AT);
    assert.equal(rerun?.of, 'uid-Failed');
    assert.ok(Date.now() - retriedAt < MINUTE, 'its age counts from the press');
  });

  test('is named in the log, in the history and in the row; the act is counted', async () => {
    const line = await dashboard.service.waitForLine(({ action }) => action === 'rerun');
    const { user, address, subject, changed, remediation: again } = line;
    assert.deepEqual(
      { user, address, subject, changed, again },
      {
        ...{ user: 'ann', address: '127.0.0.1', subject: idOf('Failed'), changed: 1 },
        again: 'rerun-uid-Failed',
      },
    );
    let row = '';
    while (!row.includes('run again by ann')) row = textOf(await get('/?q=Failed'));
    const story = textOf(await get(storyOf('Failed')));
    assert.match(story, /Job run again by ann from 127\.0\.0\.1/);
    assert.match(story, /Run it again By ann, .* what became of it/);
    assert.match(await get('/metrics'), /^openfero_acts_total\{act="rerun"\} 1$/m);
  });

  test('has one new Job, pressed in two tabs at once and once more', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => press('Twice', index % 2 ? dashboard : other)),
    );
    answers.push(await press('Twice'));
    for (const { status, headers } of answers) {
      assert.equal(status, 303);
      assert.equal(headers.location, '/remediations/rerun-uid-Twice');
    }
    const waiting = await pages.queue.queue.getWaiting();
    assert.equal(waiting.filter(({ id }) => id === 'rerun-uid-Twice').length, 1);
    const told = [dashboard, other].map(async (each) => {
      const [, count] =
        /^openfero_acts_total\{act="rerun"\} (\d+)$/m.exec(await get('/metrics', each)) ?? [];
      return Number(count);
    });
    const [one = 0, two = 0] = await Promise.all(told);
    assert.equal(one + two, 2, 'one of these, and the one of the test before');
  });

  test('sees the new Job in the same row once it is created', async () => {
    const given = { name: 'Twice', at: AT };
    const again = { id: 'rerun-uid-Twice', job: 'the-second-job', endedAt: Date.now() };
    await pages.write(end(given, 'created', again), {
      ...fate(given, 'succeeded'),
      ...again,
      uid: 'uid-2',
      endedAt: Date.now(),
    });
    let text = '';
    while (!/Job succeeded/.test(text)) text = textOf(await get('/?q=Twice'));
    assert.doesNotMatch(text, /Run again/);
    const story = textOf(await get(storyOf('Twice')));
    assert.match(
      story,
      /Job failed .* Job created the-second-job, by [^ ]+, for a person .* Job succeeded/,
    );
    assert.equal(story.match(/Received from Alertmanager/g)?.length, 1);
  });

  test('is told where it would not help, or cannot be', async () => {
    assert.match(
      textOf(await get(storyOf('Resolved'))),
      /The alert has resolved, so a worker would not/,
    );
    assert.match(
      textOf(await get(storyOf('Forgotten'))),
      /It cannot be: the alert is no longer in the queue/,
    );
    for (const [name, status] of [
      ['Forgotten', 410],
      ['Well', 409],
      ['Nobody', 409],
    ] as const) {
      const answer = await press(name);
      assert.equal(answer.status, status, name);
      assert.match(textOf(answer.body), /Nothing was changed/);
    }
    assert.doesNotMatch(await get(storyOf('Well')), /Run it again/);
  });

  test('finds nothing to press where it is read-only, and is told why', async () => {
    assert.doesNotMatch(await get('/?q=Resolved', readOnly), /class="again"/);
    assert.match(
      textOf(await get(storyOf('Resolved'), readOnly)),
      /Run it again Read-only, since nobody logs in/,
    );
    assert.equal((await press('Resolved', readOnly)).status, 405);
  });

  test('comes from this page, and has logged in', async () => {
    const path = `/remediations/${idOf('Resolved')}/rerun`;
    const crossOrigin = { ...FORM, 'sec-fetch-site': 'cross-site' };
    assert.equal((await dashboard.ask('POST', path, crossOrigin, '')).status, 403);
    const { authorization: _none, ...nobody } = FORM;
    assert.equal((await dashboard.ask('POST', path, nobody, '')).status, 401);
    assert.equal(await pages.queue.queue.getJob('rerun-uid-Resolved'), undefined);
  });
});

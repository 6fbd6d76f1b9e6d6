import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { remediation } from '@openfero/testkit/remediations';
import { UnrecoverableError } from 'bullmq';
import type { Dashboard } from '../dashboard.ts';
import { end, idOf, MINUTE, type Pages, startPages, subjectOf, textOf } from './fixture.ts';

const FORM = {
  'sec-fetch-site': 'same-origin',
  'content-type': 'application/x-www-form-urlencoded',
};
const AT = Date.now() - 30 * MINUTE;
const NAMES = ['One', 'Two', 'Three', 'Four'];

suite('a person who retries what has failed', { concurrency: false }, () => {
  let pages: Pages;
  let dashboard: Dashboard;
  let readOnly: Dashboard;

  before(async () => {
    pages = await startPages('retries');
    dashboard = await pages.start({ OPENFERO_DASHBOARD_READ_ONLY: 'false' });
    readOnly = await pages.start();
    for (const name of NAMES) {
      const data = remediation(name, { id: idOf(name) });
      await pages.queue.queue.add('remediation', data, { jobId: data.id });
      const job = await pages.queue.take();
      await job.moveToFailed(new UnrecoverableError('rejected: forbidden'), 'token', false);
    }
    await pages.write(
      ...NAMES.map((name) => end({ name, at: AT }, 'rejected')),
      end({ name: 'Helped' }, 'created'),
    );
    while (!(await dashboard.ask('GET', '/?q=Helped')).body.includes('Helped<'));
    while (!(await readOnly.ask('GET', '/?q=Helped')).body.includes('Helped<'));
  });
  after(() => pages.close());

  const stateOf = (name: string): Promise<string> => pages.queue.queue.getJobState(idOf(name));

  test('finds a button in the story, and lands there again', async () => {
    const { body } = await dashboard.ask('GET', `/remediations/${idOf('One')}`);
    assert.equal(body, '');
    const path = `/remediations/${idOf('One')}/retry`;
    const answer = await dashboard.ask('POST', path, FORM, '');
    assert.equal(answer.status, 303, answer.body);
    assert.equal(answer.headers.location, `/remediations/${idOf('One')}`);
    assert.equal(await stateOf('One'), 'waiting');
    const again = await dashboard.ask('POST', path, FORM, '');
    assert.equal(again.status, 409);
    const line = await dashboard.service.waitForLine(({ action }) => action === 'retry');
    assert.equal(line['subject'], idOf('One'));
    const { fingerprint, startsAt } = subjectOf({ name: 'One', at: AT });
    const story = `/occurrences/${fingerprint}/${startsAt}`;
    let text = '';
    while (!text.includes('Retried by')) text = textOf((await dashboard.ask('GET', story)).body);
    assert.match(text, /Did it run\? Not yet: waiting .* Retried by anonymous from 127\.0\.0\.1/);
  });

  test('is asked first where it is many: how many, and how old', async () => {
    assert.match((await dashboard.ask('GET', '/?only=failed')).body, /href="\/retry\?only=failed"/);
    const { body } = await dashboard.ask('GET', '/retry?only=failed&match=alertname%3D~"T.*"');
    assert.match(textOf(body), /Retry 2 failed remediations\? The oldest was received 30 min ago/);
    assert.equal(await stateOf('Two'), 'failed');
    const [, action = ''] = /<form class="actions" method="post" action="([^"]*)"/.exec(body) ?? [];
    const answer = await dashboard.ask('POST', action.replaceAll('&amp;', '&'), FORM, '');
    assert.match(textOf(answer.body), /2 of 2 wait again/);
    for (const name of ['Two', 'Three']) assert.equal(await stateOf(name), 'waiting');
    const twice = await dashboard.ask('POST', action.replaceAll('&amp;', '&'), FORM, '');
    assert.match(textOf(twice.body), /0 of 2 wait again/);
  });

  test('removes one for good from its story, and that stays on record', async () => {
    const { fingerprint, startsAt } = subjectOf({ name: 'Four', at: AT });
    const story = `/occurrences/${fingerprint}/${startsAt}`;
    const { body } = await dashboard.ask('GET', story);
    assert.match(body, new RegExp(`action="/remediations/${idOf('Four')}/remove"`));
    const answer = await dashboard.ask('POST', `/remediations/${idOf('Four')}/remove`, FORM, '');
    assert.equal(answer.status, 303, answer.body);
    assert.equal(await stateOf('Four'), 'unknown');
    let text = '';
    while (!text.includes('Removed by')) text = textOf((await dashboard.ask('GET', story)).body);
    assert.match(text, /Did it run\? No: removed .* Removed by anonymous from 127\.0\.0\.1/);
    assert.doesNotMatch((await dashboard.ask('GET', '/retry?only=failed')).body, />Four</);
    assert.match(textOf((await dashboard.ask('GET', '/')).body), /Failed remediation 3 /);
    const metrics = (await dashboard.ask('GET', '/metrics')).body;
    assert.match(metrics, /^openfero_acts_total\{act="remove"\} 1$/m);
    assert.match(metrics, /^openfero_acts_total\{act="retry"\} 3$/m);
  });

  test('does not retry what failed after the question', async () => {
    const answer = await dashboard.ask('POST', '/retry?only=failed&before=1', FORM, '');
    assert.match(textOf(answer.body), /0 of 0 wait again/);
  });

  test('must name failed ones: nothing is retried by a filter that cannot be read', async () => {
    for (const query of [
      '',
      'only=held',
      'only=failed&match={',
      'outcome=created',
      'outcome=expired&outcome=off',
    ]) {
      assert.equal((await dashboard.ask('GET', `/retry?${query}`)).status, 400, query);
      assert.equal((await dashboard.ask('POST', `/retry?${query}`, FORM, '')).status, 400, query);
    }
  });

  test('comes from this page: a form of another site is refused', async () => {
    const crossOrigin = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
    ];
    for (const headers of crossOrigin) {
      for (const path of [
        ...['retry', 'remove', 'rerun'].map((act) => `/remediations/${idOf('One')}/${act}`),
        '/operarii/one/rearm',
        '/retry?only=failed',
      ]) {
        const answer = await dashboard.ask('POST', path, headers, '');
        assert.equal(answer.status, 403, `${JSON.stringify(headers)} ${path}`);
      }
    }
    const rebound = { ...FORM, host: 'evil.example', origin: 'http://evil.example' };
    assert.equal((await dashboard.ask('POST', '/retry?only=failed', rebound, '')).status, 403);
  });

  test('finds nothing to press where it is read-only', async () => {
    assert.doesNotMatch((await readOnly.ask('GET', '/?only=failed')).body, /href="\/retry/);
    for (const path of [
      '/retry?only=failed',
      '/operarii/one/rearm',
      `/remediations/${idOf('One')}/retry`,
    ]) {
      assert.equal((await readOnly.ask('POST', path, FORM, '')).status, 405, path);
    }
  });

  test('uses the methods that a page has: each other one is refused', async () => {
    const paths = [
      '/',
      '/occurrences/a/2026-11-22T03:00:00Z',
      '/remediations/one',
      '/operarii',
      '/operarii/one',
      '/history.jsonl',
      '/events',
      '/assets/style.css',
      '/assets/live.js',
      '/queue',
    ];
    for (const path of paths) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']) {
        const { status } = await dashboard.ask(method, path, FORM);
        assert.equal(status, 405, `${method} ${path}`);
      }
    }
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      for (const path of [
        '/retry?only=failed',
        '/remediations/one/rerun',
        '/remediations/one/remove',
        '/operarii/one/rearm',
      ]) {
        assert.equal((await dashboard.ask(method, path, FORM)).status, 405, `${method} ${path}`);
      }
    }
  });

  test('every page of our own has the strict policy', async () => {
    for (const path of ['/', '/operarii', '/remediations/none', '/nothing', '/assets/live.js']) {
      const { headers } = await dashboard.ask('GET', path);
      assert.equal(
        headers['content-security-policy'],
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types openfero",
        path,
      );
    }
  });
});

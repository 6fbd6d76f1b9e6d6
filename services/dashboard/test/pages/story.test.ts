import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { DecidedEntry, DefinitionEntry, Entry } from '@openfero/core/history/entry';
import { ENDS } from '@openfero/core/outcome';
import { placeOf, placesKey } from '@openfero/core/redis/places';
import { operariiKey, type PublishedOperarius } from '@openfero/core/redis/published';
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
  textOf,
} from './fixture.ts';

const HELPED = { name: 'Helped' };
const FAILED = { name: 'JobFailed' };
const DELETED = { name: 'JobDeleted' };
const RUNNING = { name: 'JobRuns' };
const HELD = { name: 'IsHeld' };
const APPROVED = { name: 'IsApproved' };
const DENIED = { name: 'IsDenied' };
const LAPSED = { name: 'HasLapsed' };

const definitionOf = (minutes: number, more: Partial<DefinitionEntry>): DefinitionEntry => ({
  ...{ kind: 'definition', operarius: subjectOf(HELPED).operarius },
  at: Date.now() - minutes * MINUTE,
  ...more,
});

/** Its Job waited for a person. */
function decidedStory(
  given: Case,
  how: Pick<DecidedEntry, 'decision' | 'by' | 'how'>,
): readonly Entry[] {
  const { job, uid, ...rest } = fate(given, 'succeeded');
  const { fate: _fate, reason: _reason, createdAt: at, endedAt: _endedAt, ...subject } = rest;
  const run = { job, uid };
  return [
    end(given, 'created'),
    { ...subject, kind: 'asked', ...run, at, until: at + 60 * MINUTE },
    { ...subject, kind: 'decided', ...how, ...run, at: at + 20_000 },
  ];
}

suite('the story of an occurrence', { concurrency: false }, () => {
  let pages: Pages;
  let dashboard: Dashboard;

  before(async () => {
    pages = await startPages('story');
    dashboard = await pages.start({
      OPENFERO_JOB_URL: 'https://logs.example/?ns={namespace}&job={job}',
    });
    await pages.write(
      ...ENDS.filter((each) => each !== 'created').map((each) =>
        end({ name: `Ended-${each}` }, each),
      ),
      held(HELPED, 'max-active'),
      end(HELPED, 'created', {
        definition: '0123456789',
        warnings: ['unknown field "spec.foo"'],
      }),
      {
        kind: 'mode',
        from: 'run',
        to: 'off',
        source: 'ConfigMap ops/openfero',
        at: Date.now() - 8 * MINUTE,
      },
      definitionOf(30, { definition: 'aaaaaaaaaa', mode: 'run' }),
      definitionOf(29, {
        ...{ before: 'aaaaaaaaaa', definition: 'bbbbbbbbbb', problem: 'no <b>image</b>' },
      }),
      definitionOf(28, { before: 'bbbbbbbbbb', definition: '0123456789', mode: 'approve' }),
      definitionOf(5, { before: '0123456789', definition: '0123456789', problem: 'rejected' }),
      definitionOf(4, { before: '0123456789', definition: 'cccccccccc', mode: 'run' }),
      definitionOf(3, { before: 'cccccccccc' }),
      fate(HELPED, 'succeeded'),
      resolved(HELPED, 5),
      end(FAILED, 'created'),
      fate(FAILED, 'failed', 'BackoffLimitExceeded'),
      end(DELETED, 'created'),
      fate(DELETED, 'deleted'),
      end(RUNNING, 'created'),
      ...decidedStory(APPROVED, { decision: 'approved', by: 'ada', how: 'dashboard' }),
      fate(APPROVED, 'succeeded'),
      ...decidedStory(DENIED, { decision: 'denied', by: '', how: 'kubectl' }),
      fate(DENIED, 'denied'),
      ...decidedStory(LAPSED, { decision: 'lapsed', by: '' }),
      fate(LAPSED, 'lapsed'),
      held(HELD, 'cooldown'),
    );
    const operarius: PublishedOperarius = {
      ...{ v: 1, warnings: [], policy: { cooldown: '10m' }, mode: 'run', resourceVersion: '1' },
      ...{ namespace: 'ops', jobNamespace: 'jobs', publisher: 'worker-1', at: Date.now() },
    };
    const name = subjectOf(HELPED).operarius;
    await pages.queue.redis.hset(operariiKey('story'), name, JSON.stringify(operarius));
    const place = placeOf(
      subjectOf(RUNNING).operarius,
      `${subjectOf(RUNNING).operarius}-0123456789`,
    );
    await pages.queue.redis.zadd(placesKey('story'), Date.now(), place);
    await until(() => story('IsHeld'));
  });
  after(() => pages.close());

  const story = async (name: string): Promise<string | undefined> => {
    const { fingerprint, startsAt } = subjectOf({ name });
    const { status, body } = await dashboard.ask('GET', `/occurrences/${fingerprint}/${startsAt}`);
    return status === 200 ? body : undefined;
  };
  const told = async (name: string): Promise<string> =>
    textOf((await story(name)) ?? assert.fail(name));
  async function until(ask: () => Promise<unknown>): Promise<void> {
    while ((await ask()) === undefined);
  }

  test('answers the four questions of the person on call', async () => {
    assert.match(
      await told('Helped'),
      /Did it run\? Yes, a Job was created .* Why\? .*openfero-helped-firing Did the Job succeed\? Job succeeded after 59 s Has the alert resolved\? Yes, [45] min ago resolved 4 min after the Job/,
    );
    assert.match(
      await told('JobFailed'),
      /Did the Job succeed\? Job failed after 59 s; every try of the Job failed \(BackoffLimitExceeded\) Has the alert resolved\? No word: it fired/,
    );
    assert.match(await told('JobDeleted'), /Did the Job succeed\? Job deleted/);
    assert.match(await told('JobRuns'), /Did the Job succeed\? Job running/);
  });

  for (const outcome of ENDS.filter((each) => each !== 'created')) {
    test(`says that ${outcome} started no Job, and why`, async () => {
      const text = await told(`Ended-${outcome}`);
      assert.match(
        text,
        new RegExp(
          `Did it run\\? No: ${outcome.replace('-', '.')}.* Why\\? ${outcome} for a reason`,
          'i',
        ),
      );
      assert.match(text, /Did the Job succeed\? There is no Job/);
    });
  }

  test('tells what happened in the order of time, the switch included', async () => {
    const text = await told('Helped');
    const steps = [
      'The alert began to fire',
      'Received from Alertmanager: firing',
      'held its operarius has as many',
      'Job created',
      'Job succeeded',
      'OpenFero switched from run to off by ConfigMap ops/openfero',
      'The alert resolved',
      'Received from Alertmanager: resolved',
    ];
    const from = text.indexOf('What happened');
    const places = steps.map((step) => text.indexOf(step, from));
    assert.ok(
      places.every((place) => place > 0),
      places.join(),
    );
    // What was held and what was received have the same time.
    const sorted = [...places].sort((a, b) => a - b);
    assert.deepEqual(
      places.filter((_, index) => index !== 1 && index !== 2),
      sorted.filter((_, index) => index !== 1 && index !== 2),
    );
  });

  test('tells what people were asked and who decided how, also after its end', async () => {
    const approved = await told('IsApproved');
    const time = String.raw`(?:\d+ \w+ )?\d\d:\d\d:\d\dZ`;
    const asked = `asked ${time} , until ${time}`;
    const decidedBy = (words: string): RegExp =>
      new RegExp(`Did a person approve it\\? ${words}, ${time} , \\d+ min ago ; ${asked} Did the`);
    assert.match(approved, decidedBy('Approved by ada in the dashboard'));
    const job = `${subjectOf(APPROVED).operarius}-0123456789`;
    const from = approved.indexOf('What happened');
    const steps = [
      'Waits for a person',
      `Approved ${job}, by ada in the dashboard`,
      'Job succeeded',
    ];
    const places = steps.map((step) => approved.indexOf(step, from));
    assert.ok(places[0] !== -1);
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
    assert.match(
      await told('IsDenied'),
      decidedBy('Denied with kubectl: by whom is in the audit log of the API server'),
    );
    assert.match(await told('HasLapsed'), /approve it\? Lapsed: nobody answered in time \d/);
    assert.doesNotMatch(await told('Helped'), /Did a person approve it/);
  });

  test('names the version of the operarius that decided it', async () => {
    const time = String.raw`(?:\d+ \w+ )?\d\d:\d\d:\d\dZ`;
    const version = `in force since ${time} ; changed to cccccccccc at ${time} , and 1 more change `;
    const all = new RegExp(`Definition 0123456789 of openfero-helped-firing ${version}`);
    assert.match(await told('Helped'), all);
    const body = (await story('Helped')) ?? '';
    assert.match(body, /href="\/operarii\/openfero-helped-firing#changes"/);
  });

  test('has the lines to copy, the logs and the warnings', async () => {
    const body = (await story('Helped')) ?? '';
    const text = textOf(body);
    const job = `${subjectOf(HELPED).operarius}-0123456789`;
    assert.ok(text.includes(`kubectl -n jobs describe job ${job}`));
    assert.ok(text.includes(`kubectl -n jobs logs job/${job} --all-containers --tail=200`));
    assert.match(body, new RegExp(`href="https://logs.example/\\?ns=jobs&amp;job=${job}"`));
    assert.match(text, /Warnings unknown field "spec\.foo"/);
    assert.match(await told('JobRuns'), /kubectl delete job/);
  });

  test('shows annotations, the last error and a dry-run manifest while BullMQ has them', async () => {
    const given = { name: 'Ended-dry-run' };
    const data = remediation(given.name, {
      id: idOf(given.name),
      alert: {
        annotations: { summary: 'Disk is full', runbook_url: 'https://runbooks.example/disk' },
        generatorURL: 'javascript:alert(1)',
      },
    });
    await pages.queue.queue.add('remediation', data, { jobId: data.id });
    const job = await pages.queue.take();
    await job.moveToCompleted({ outcome: 'dry-run', manifest: { kind: 'Job' } }, 'token', false);
    const body = (await story(given.name)) ?? '';
    assert.match(textOf(body), /summary Disk is full/);
    assert.match(body, /href="https:\/\/runbooks\.example\/disk" rel="noreferrer"/);
    assert.doesNotMatch(body, /href="javascript/);
    assert.match(textOf(body), /Prometheus javascript:alert\(1\)/);
    assert.match(textOf(body), /The Job that would have been created \{ "kind": "Job" \}/);
  });

  test('is found by the id of a remediation', async () => {
    const { fingerprint } = subjectOf(HELPED);
    const answer = await dashboard.ask('GET', `/remediations/${subjectOf(HELPED).id}`);
    assert.equal(answer.status, 302);
    assert.match(
      answer.headers.location ?? '',
      new RegExp(`^/occurrences/${fingerprint}/20..-.*Z$`),
    );
  });

  test('of what waits is told from the queue', async () => {
    await pages.queue.add('waits', { alertname: 'Waits' });
    const { status, body } = await dashboard.ask('GET', '/remediations/waits');
    assert.equal(status, 200);
    assert.match(textOf(body), /Waits Did it run\? Not yet: waiting/);
  });

  test('of nobody is a page that says so', async () => {
    for (const path of [
      '/remediations/none',
      '/occurrences/none/2026-11-22T03:00:00Z',
      '/occurrences/a/b',
    ]) {
      const { status, body } = await dashboard.ask('GET', path);
      assert.equal(status, 404, path);
      assert.match(textOf(body), /This occurrence is not known It is older than the history/);
    }
  });

  test('Bull Board links to it, and old addresses of Bull Board still lead there', async () => {
    const { body } = await dashboard.ask('GET', '/queue/api/queues/remediations/waits');
    assert.equal(JSON.parse(body).job.externalUrl.href, '/remediations/waits');
    const answer = await dashboard.ask('GET', '/queue/remediations/waits?status=failed');
    assert.equal(answer.headers.location, '/queue/queue/remediations/waits?status=failed');
  });

  test('an operarius tells its policy, what it did, and why it is broken', async () => {
    const text = textOf(
      (await dashboard.ask('GET', `/operarii/${subjectOf(HELPED).operarius}`)).body,
    );
    assert.match(
      text,
      /Definition valid Mode run Jobs 1 in the last hour, 1 in the last day Last ten Jobs 1 of 1 succeeded/,
    );
    assert.match(text, /Policy cooldown 10m .* Namespace ops Jobs in jobs/);
    const name = subjectOf(FAILED).operarius;
    const check = { version: '1', problem: `ConfigMap ops/${name}: key JobFailed is missing` };
    await pages.queue.redis.hset('story:checks', name, JSON.stringify(check));
    const list = (await dashboard.ask('GET', '/operarii')).body;
    assert.match(list, /<title>1 invalid operarii · OpenFero<\/title>/);
    assert.match(
      textOf(list),
      new RegExp(`${name} invalid ConfigMap ops/${name}: key JobFailed is missing`),
    );
  });

  test('an operarius tells when its definition was changed, the latest first', async () => {
    const { operarius } = subjectOf(HELPED);
    const body = textOf((await dashboard.ask('GET', `/operarii/${operarius}`)).body);
    assert.match(
      body,
      /Changes of the definition \S+Z No operarius before cccccccccc \S+Z Valid cccccccccc, before 0123456789 mode run \S+Z Invalid 0123456789 rejected \S+Z Valid 0123456789, before bbbbbbbbbb mode approve \S+Z Invalid bbbbbbbbbb, before aaaaaaaaaa no <b>image<\/b> \S+Z Valid aaaaaaaaaa mode run/,
    );
  });

  test('an operarius names what it holds, why, and the Jobs that hold its places', async () => {
    const { operarius } = subjectOf({ name: 'Held' });
    await pages.write(held({ name: 'Held' }, 'max-active'));
    const places = [Date.now() - 5 * MINUTE, `${operarius}/a-job-that-hangs`] as const;
    await pages.queue.redis.zadd('story:places', ...places);
    await pages.queue.redis.zadd(`story:places:${operarius}`, ...places);
    let text = '';
    while (!text.includes('Held: 1'))
      text = textOf((await dashboard.ask('GET', `/operarii/${operarius}`)).body);
    assert.match(text, /Held: 1 .* Held its operarius has as many unfinished Jobs as max-active/);
    assert.match(text, /Jobs that hold its places: 1 5 min ago a-job-that-hangs of openfero-held/);
  });

  test('an operarius of which no worker speaks any more is stale', async () => {
    const old: PublishedOperarius = {
      ...{ v: 1, warnings: ['w'], policy: {}, mode: 'off', resourceVersion: '1' },
      ...{
        namespace: 'ops',
        jobNamespace: 'jobs',
        publisher: 'worker-1',
        at: Date.now() - 3 * MINUTE,
      },
    };
    await pages.queue.redis.hset(operariiKey('story'), 'openfero-old-firing', JSON.stringify(old));
    const text = textOf((await dashboard.ask('GET', '/operarii/openfero-old-firing')).body);
    assert.match(text, /valid, 1 warning stale: said 3 min ago , and by no worker since Mode off/);
  });
});

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AskedJob } from '@openfero/cluster/cluster';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { definitionDigest } from '@openfero/core/operarius/definition';
import { decidedKey } from '@openfero/core/redis/approvals';
import { runKeys } from '@openfero/core/redis/limits';
import { placesKey } from '@openfero/core/redis/places';
import { stoppedKey } from '@openfero/core/redis/stopped';
import { targetsKey } from '@openfero/core/redis/targets';
import { configMap } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { until } from '@openfero/testkit/until';
import type { Alertmanagers } from '../../src/alertmanager/ask.ts';
import { createLook, type Look } from '../../src/approvals/obstacles.ts';
import { createReleases } from '../../src/approvals/releases.ts';
import { readSettings } from '../../src/settings.ts';
import { type GivenPlaces, givenPlaces } from '../redis/given-places.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

const NODE = '0123456789abcdef0123';
const OPERARIUS = 'openfero-disk-firing';
const JOB: AskedJob = {
  ...{ name: 'asked', operarius: OPERARIUS, target: NODE, uid: 'u', resourceVersion: '1' },
  ...{ isWaiting: true, until: Number.POSITIVE_INFINITY, approvedBy: '', labels: {}, manifest: '' },
  ...{ createdAt: 0, remediation: 'r', alertname: 'Disk', namespace: '', groupKey: '' },
  ...{ fingerprint: 'f', startsAt: '2026-11-22T04:34:40Z', definition: '', status: 'firing' },
};
const ACTIVE = { kind: 'active' } as const;

interface Circumstances {
  /** Annotations of its operarius, without openfero.io/. */
  readonly policy?: Readonly<Record<string, string>>;
  readonly globalSwitch?: ConfigMap;
  readonly isGone?: boolean;
  readonly answer?: Awaited<ReturnType<Alertmanagers['standingOf']>>;
}

/** An asked Job has its place among those of its operarius. */
async function given({ sandbox }: GivenPlaces, circumstances: Circumstances = {}) {
  const { policy = {}, globalSwitch, isGone = false, answer = ACTIVE } = circumstances;
  const { prefix, redis, env } = sandbox;
  const operarius = configMap('Disk', { policy: { mode: 'approve', ...policy } });
  const all = isGone ? [] : [operarius];
  const operarii = {
    get: (name: string) => all.find(({ metadata }) => metadata.name === name),
    all: () => all,
    globalSwitch: () => globalSwitch,
    unlabelled: async () => [],
    revision: () => 1,
  };
  const settings = readSettings({ ...env, OPENFERO_MAX_ACTIVE_JOBS: '2' });
  const releasing = { cluster: { operarii }, redis, settings };
  const alertmanagers = { standingOf: async () => answer };
  const releases = createReleases(releasing);
  const look = createLook({ ...releasing, alertmanagers, releases });
  await redis.zadd(placesKey(prefix), -1, `${OPERARIUS}/asked`);
  return {
    operarius,
    look: async (): Promise<Look> => look(JOB, Date.now()),
    releases,
  };
}

/** What a look that finds nothing in the way takes, and one that does leaves. */
async function taken({ sandbox: { redis, prefix } }: GivenPlaces): Promise<object> {
  const place = `${OPERARIUS}/asked`;
  const [, ofOperarius = ''] = runKeys(prefix, OPERARIUS);
  return {
    hasPlace: Number(await redis.zscore(placesKey(prefix), place)) > 0,
    hasTarget: (await redis.hget(targetsKey(prefix), NODE))?.endsWith(` ${place}`) ?? false,
    runs: await redis.zcard(ofOperarius),
  };
}

const LIMITS = { maxActiveJobs: 2 };

describe('a Job that was approved in the dashboard is looked at again', () => {
  const off = {
    metadata: { ...configMap('Disk').metadata, annotations: { 'openfero.io/mode': 'off' } },
  };
  const cases: readonly [what: string, circumstances: Circumstances, text: RegExp][] = [
    ['its operarius is gone', { isGone: true }, /gone or invalid/],
    ['its operarius is off', { policy: { mode: 'off' } }, /the mode is off: see .*disk-firing/],
    ['all are off', { globalSwitch: off }, /the mode is off: see ConfigMap openfero /],
    [
      'its alert is silenced',
      { answer: { kind: 'suppressed', by: 'silenced by 7' } },
      /the alert is silenced by 7/,
    ],
    [
      'Alertmanager is away',
      { answer: { kind: 'unknown', problem: 'no route' } },
      /cannot tell .*: no route/,
    ],
  ];
  for (const [what, circumstances, text] of cases) {
    test(`${what}: it is not released`, async (t) => {
      const places = await givenPlaces(t, server.url, LIMITS);
      const found = await (await given(places, circumstances)).look();
      assert.ok(found.kind === 'obstacle');
      assert.match(found.text, text);
      assert.deepEqual(await taken(places), { hasPlace: false, hasTarget: false, runs: 0 });
    });
  }

  test('its alert has gone: the question is over', async (t) => {
    const places = await givenPlaces(t, server.url, LIMITS);
    const { look } = await given(places, { answer: { kind: 'absent' } });
    assert.deepEqual(await look(), { kind: 'over' });
  });

  test('its operarius is stopped: it is not released until that is re-armed', async (t) => {
    const places = await givenPlaces(t, server.url, LIMITS);
    const { look, operarius } = await given(places);
    const { redis, prefix } = places.sandbox;
    const stop = { definition: definitionDigest(operarius), until: 0, row: 5, at: 1 };
    await redis.hset(stoppedKey(prefix), OPERARIUS, JSON.stringify(stop));
    assert.match(JSON.stringify(await look()), /is stopped, after 5 bad runs in a row/);
    await redis.hdel(stoppedKey(prefix), OPERARIUS);
    assert.equal((await look()).kind, 'free');
  });

  test('each limit is in the way, and it takes all of them or none', async (t) => {
    const places = await givenPlaces(t, server.url, LIMITS);
    const maxRuns = { count: 1, within: 60_000 };
    const { look } = await given(places, { policy: { 'max-runs': '1/1m' } });
    const other = { operarius: OPERARIUS, maxRuns, target: NODE };
    const nothing = { hasPlace: false, hasTarget: false, runs: 1 };
    await places.take('other', other);
    assert.match(JSON.stringify(await look()), /another Job works on the same target/);
    await places.places.release({ name: 'other', ...other });
    assert.match(JSON.stringify(await look()), /max-runs or OPENFERO_MAX_RUNS is used up/);
    assert.deepEqual(await taken(places), nothing);
    const { redis, prefix } = places.sandbox;
    await redis.del(...runKeys(prefix, OPERARIUS));
    for (const job of ['a', 'b']) await places.take(job, { operarius: 'openfero-x-firing' });
    assert.match(JSON.stringify(await look()), /OPENFERO_MAX_ACTIVE_JOBS is 2/);
    assert.deepEqual(await taken(places), { ...nothing, runs: 0 });
    await places.places.release({ name: 'a', operarius: 'openfero-x-firing' });
    const all = { hasPlace: true, hasTarget: true, runs: 1 };
    assert.equal((await look()).kind, 'free');
    assert.equal((await look()).kind, 'free', 'it is tried again');
    assert.deepEqual(await taken(places), all);
    await redis.hdel(targetsKey(prefix), NODE, 'known');
    assert.match(JSON.stringify(await look()), /not known yet whether another Job/);
  });
});

test('a Job that was released with kubectl takes all at once, whatever the limits say, and once', async (t) => {
  const places = await givenPlaces(t, server.url, LIMITS);
  const { releases } = await given(places, { policy: { 'max-runs': '1/1m' } });
  const maxRuns = { count: 1, within: 60_000 };
  await places.take('other', { operarius: OPERARIUS, maxRuns, target: NODE });
  await places.take('a', { operarius: 'openfero-x-firing' });
  assert.equal((await releases.take(JOB, true)).kind, 'free');
  assert.deepEqual(await taken(places), { hasPlace: true, hasTarget: true, runs: 2 });
  const { redis, prefix } = places.sandbox;
  await redis.set(decidedKey(prefix, JOB.uid), '{}');
  await redis.del(...runKeys(prefix, OPERARIUS));
  await releases.take(JOB, true);
  assert.equal(Object.values(await taken(places)).at(-1), 0, 'it began before');
});

describe('a Job that was not released gives back what it took', () => {
  const nothing = { hasPlace: false, hasTarget: false, runs: 0 };
  const all = { hasPlace: true, hasTarget: true, runs: 1 };
  for (const policy of [{ 'max-runs': '1/1m' }, {}]) {
    test(`and waits on${'max-runs' in policy ? ', with a limit of its runs' : ''}`, async (t) => {
      const places = await givenPlaces(t, server.url, LIMITS);
      const { releases } = await given(places, { policy });
      const got = await releases.take(JOB, false);
      assert.ok(got.kind === 'free');
      await releases.giveBack(JOB, got.at);
      assert.deepEqual(await taken(places), nothing);
      const { redis, prefix } = places.sandbox;
      const score = await redis.zscore(placesKey(prefix), `${OPERARIUS}/asked`);
      assert.equal(score, `-${got.at}`, 'it has its place among those that wait');
      assert.equal((await releases.take(JOB, false)).kind, 'free');
    });
  }

  test('but not what another worker took since, nor once it is released', async (t) => {
    const places = await givenPlaces(t, server.url, LIMITS);
    const { releases } = await given(places, { policy: { 'max-runs': '1/1m' } });
    const { redis, prefix } = places.sandbox;
    const first = await releases.take(JOB, false);
    assert.ok(first.kind === 'free');
    const takenSince = async (): Promise<boolean> =>
      JSON.stringify(await releases.take(JOB, false)) !== JSON.stringify(first);
    await until('it is taken again', takenSince);
    await releases.giveBack(JOB, first.at);
    assert.deepEqual(await taken(places), { ...all, hasPlace: false });
    assert.equal((await releases.take(JOB, true)).kind, 'free');
    assert.deepEqual(await taken(places), all);
    const released = await releases.take(JOB, false);
    assert.ok(released.kind === 'free');
    await redis.set(decidedKey(prefix, JOB.uid), '{}');
    await releases.giveBack(JOB, released.at);
    assert.deepEqual(await taken(places), all);
  });
});

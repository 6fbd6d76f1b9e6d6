import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { instantOf } from '@openfero/core/instant';
import type { JsonObject } from '@openfero/core/kubernetes';
import { definitionDigest } from '@openfero/core/operarius/definition';
import { DEFAULT_POLICY } from '@openfero/core/operarius/policy';
import type { EndedRun } from '@openfero/core/redis/fates';
import {
  type Alertmanager,
  missingAlertmanager,
  startAlertmanager,
} from '@openfero/testkit/alertmanager';
import { configMap } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { type Alertmanagers, createAlertmanagers } from '../../src/alertmanager/ask.ts';
import { countAlertmanager } from '../../src/metrics/alertmanager.ts';
import { SILENT } from '../../src/raise/raising.ts';
import { createEpisodeMemory } from '../../src/redis/memory.ts';
import { startJudging } from '../../src/runs/judge.ts';
import { SILENT as UNHEARD } from '../alertmanager/peers.ts';
import { createRuns, OPERARIUS, type Runs, runOf } from './runs.ts';

const skip = process.env['CI'] === 'true' ? false : missingAlertmanager();

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

const DISK = configMap('Disk');

interface Judged extends Runs {
  readonly events: string[];
  readonly messages: string[];
  definition: ReturnType<typeof configMap> | undefined;
  effects(): Promise<readonly string[]>;
  /** Waits until so many effects are in the history. */
  judged(count: number): Promise<readonly string[]>;
}

/** Two workers judge what is due in Redis. */
async function judging(t: TestContext, alertmanagers?: Alertmanagers): Promise<Judged> {
  const runs = await createRuns(t, server.url);
  const { redis, prefix } = runs.sandbox;
  const events: string[] = [];
  const messages: string[] = [];
  const judged: Judged = {
    ...runs,
    ...{ events, messages },
    definition: DISK,
    async effects() {
      const entries = await redis.xrange(`${prefix}:history`, '-', '+');
      return entries.flatMap(([, fields]) => /"effect":"(\w+)"/.exec(fields[3] ?? '')?.[1] ?? []);
    },
    async judged(count) {
      await until(`${count} are judged`, async () => (await judged.effects()).length >= count);
      return judged.effects();
    },
  };
  const cluster = {
    operarii: {
      get: (name: string) => (name === OPERARIUS ? judged.definition : undefined),
      globalSwitch: () => undefined,
      all: () => [],
      unlabelled: async () => [],
      revision: () => 1,
    },
    events: {
      record(_: unknown, reason: string, message: string) {
        events.push(reason);
        messages.push(message);
      },
    },
    blocked: () => undefined,
  };
  for (let worker = 0; worker < 2; worker++) {
    const stop = startJudging(
      {
        ...{ cluster, redis, alertmanagers, memory: createEpisodeMemory(redis, prefix) },
        raising: SILENT,
        settings: { prefix, policy: DEFAULT_POLICY, historyCount: 1000 },
        ...{
          watch: { note: () => false },
          log: pino({ level: 'silent' }),
          sawStopped: new Set<string>(),
        },
      },
      20,
    );
    t.after(stop);
  }
  return judged;
}

const alertOf = (instance: string) => remediation('Disk', { labels: { instance } });

/** A run about an alert whose Job has just succeeded, and that is judged in so many milliseconds. */
function succeeded(instance: string, within = 200): EndedRun {
  const { fingerprint } = alertOf(instance).alert;
  const run = runOf(Date.now(), { verdict: 'pending', definition: definitionDigest(DISK) });
  assert.ok(run.effect);
  return { ...run, effect: { ...run.effect, fingerprint, within } };
}

describe('without Alertmanager, the effect is what the latest notification says', () => {
  it('and unknown where none came', async (t) => {
    const { end, judged, sandbox, events } = await judging(t);
    await sandbox.receive(alertOf('resolved'), { status: 'resolved', receivedAt: Date.now() });
    await sandbox.receive(alertOf('again'), { startsAt: instantOf(Date.now() + 1000) });
    await sandbox.receive(alertOf('silent'), {});
    for (const instance of ['resolved', 'again', 'silent', 'unheard'])
      await end(succeeded(instance));
    assert.deepEqual((await judged(4)).toSorted(), ['firing', 'resolved', 'unknown', 'unknown']);
    assert.deepEqual(events, ['NoEffect']);
    const totals = await sandbox.redis.hgetall(`${sandbox.prefix}:totals`);
    assert.equal(totals[`${OPERARIUS}/unknown`], '2');
    assert.equal(await sandbox.redis.zcard(`${sandbox.prefix}:effects`), 0);
  });

  it('and five Jobs in a row that do not help stop their operarius', async (t) => {
    const { end, judged, sandbox, events } = await judging(t);
    for (let run = 0; run < 5; run++) {
      await sandbox.receive(alertOf(`x${run}`), { startsAt: instantOf(Date.now() + 5000) });
      await end(succeeded(`x${run}`));
    }
    await judged(5);
    const state = await sandbox.redis.hget(`${sandbox.prefix}:stopped`, OPERARIUS);
    assert.match(state ?? '', /"row":5/);
    assert.equal(events.filter((reason) => reason === 'OperariusStopped').length, 1);
  });
});

it('Jobs of an older definition that did not help leave the stop of the current one as it is', async (t) => {
  const judged = await judging(t);
  const { redis, prefix } = judged.sandbox;
  judged.definition = configMap('Disk', { policy: { rearm: 'corrected' } });
  const now = Date.now();
  const until = now + 3_600_000;
  const stopped = { definition: definitionDigest(judged.definition), until, row: 5, at: now };
  await redis.hset(`${prefix}:stopped`, OPERARIUS, JSON.stringify(stopped));
  for (let run = 0; run < 5; run++) {
    await judged.sandbox.receive(alertOf(`x${run}`), { startsAt: instantOf(now + 5000) });
    await judged.end(succeeded(`x${run}`));
  }
  assert.deepEqual(await judged.judged(5), Array(5).fill('firing'));
  assert.deepEqual(JSON.parse((await redis.hget(`${prefix}:stopped`, OPERARIUS)) ?? ''), stopped);
  assert.equal(judged.events.includes('OperariusStopped'), false);
});

describe('an operarius that is stopped is re-armed', () => {
  const rearmed = async ({ sandbox: { redis, prefix } }: Judged): Promise<JsonObject> => {
    const read = async () => redis.xrange(`${prefix}:history`, '-', '+');
    const told = async () => (await read()).map(([, fields]) => String(fields[3]));
    await until('it is told', async () => (await told()).some((each) => each.includes('rearmed')));
    const found = (await told()).filter((each) => each.includes('rearmed'));
    assert.equal(found.length, 1);
    return JSON.parse(found[0] ?? '');
  };
  const rearmedHow = async (judged: Judged): Promise<unknown> => (await rearmed(judged))['how'];
  const stop = async (judged: Judged, ms: number): Promise<void> => {
    const definition = definitionDigest(DISK);
    const at = Date.now();
    const state = { definition, until: at + ms, row: 5, at };
    const { redis, prefix } = judged.sandbox;
    await redis.hset(`${prefix}:stopped`, OPERARIUS, JSON.stringify(state));
  };
  /** Long enough that the workers have seen it. */
  const seen = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100));

  it('by a change of its definition, and by its deletion', async (t) => {
    for (const [definition, how] of [
      [configMap('Disk', { policy: { rearm: 'now' } }), 'definition'],
      [undefined, 'deleted'],
    ] as const) {
      const judged = await judging(t);
      await stop(judged, 3_600_000);
      await seen();
      assert.equal(await judged.sandbox.redis.hlen(`${judged.sandbox.prefix}:stopped`), 1);
      judged.definition = definition;
      assert.equal(await rearmedHow(judged), how);
      assert.equal(await judged.sandbox.redis.hlen(`${judged.sandbox.prefix}:stopped`), 0);
    }
  });

  it('by time, once over all workers', async (t) => {
    const judged = await judging(t);
    await stop(judged, 100);
    assert.equal(await rearmedHow(judged), 'time');
    await seen();
    assert.deepEqual(judged.events, ['OperariusRearmed']);
  });

  it('by a person, whom the history and its Event name', async (t) => {
    const judged = await judging(t);
    const { redis, prefix } = judged.sandbox;
    const now = Date.now();
    const state = { definition: definitionDigest(DISK), until: now, row: 5, at: now, by: 'anna' };
    await redis.hset(`${prefix}:stopped`, OPERARIUS, JSON.stringify(state));
    const { how, user } = await rearmed(judged);
    assert.deepEqual({ how, user }, { how: 'person', user: 'anna' });
    await seen();
    assert.deepEqual(judged.events, ['OperariusRearmed']);
    assert.deepEqual(judged.messages, ['No longer stopped: anna re-armed it in the dashboard']);
  });

  it('not by a worker that has not seen yet the definition that was stopped', async (t) => {
    const judged = await judging(t);
    judged.definition = configMap('Disk', { policy: { rearm: 'older' } });
    await stop(judged, 3_600_000);
    await seen();
    assert.equal(await judged.sandbox.redis.hlen(`${judged.sandbox.prefix}:stopped`), 1);
  });
});

describe('with Alertmanager, the effect is what it says', { skip }, () => {
  /** Two that do not know each other, and what asks both. */
  async function two(t: TestContext): Promise<{
    readonly peers: readonly Alertmanager[];
    readonly asked: Alertmanagers;
  }> {
    const peers = await Promise.all([UNHEARD, UNHEARD].map(startAlertmanager));
    t.after(() => Promise.all(peers.map((peer) => peer.stop())));
    const urls = peers.map(({ url }) => url);
    const log = pino({ level: 'silent' });
    const counts = countAlertmanager(new Registry());
    // Those of the test have just started, and count as long up.
    const asked = createAlertmanagers({ urls }, log, counts, Number.NEGATIVE_INFINITY);
    t.after(() => asked.close());
    return { peers, asked };
  }
  const labelsOf = (instance: string) => ({ labels: alertOf(instance).alert.labels });

  it('also without send_resolved: where one of two has it, where it came back, where it is silenced', async (t) => {
    const { peers, asked } = await two(t);
    const [one, other] = peers;
    assert.ok(one && other);
    const { end, judged, events } = await judging(t, asked);
    const endsAt = new Date().toISOString();
    await one.post(['here', 'silenced', 'back', 'gone'].map(labelsOf));
    await other.post(['back', 'gone'].map(labelsOf));
    await one.silence({ instance: 'silenced' });
    for (const peer of peers) {
      await peer.post(['back', 'gone'].map((instance) => ({ ...labelsOf(instance), endsAt })));
    }
    await other.post([{ ...labelsOf('back'), startsAt: new Date().toISOString() }]);
    for (const instance of ['here', 'silenced', 'back', 'gone']) await end(succeeded(instance));
    assert.deepEqual((await judged(4)).toSorted(), ['firing', 'firing', 'resolved', 'unknown']);
    assert.deepEqual(events, ['NoEffect', 'NoEffect']);
  });

  it('unknown where one cannot be asked for as long again, and this stops nothing', async (t) => {
    const { peers, asked } = await two(t);
    const { end, judged, events, sandbox } = await judging(t, asked);
    const { redis, prefix } = sandbox;
    await peers[1]?.kill();
    for (let run = 0; run < 5; run++) await end(succeeded(`away${run}`, 500));
    const looksAgain = async (): Promise<readonly string[]> =>
      redis.zrangebyscore(`${prefix}:effects`, Date.now() + 50_000, '+inf');
    await until('they are looked at', async () => (await looksAgain()).length === 5);
    assert.deepEqual(await judged(0), []);
    // In place of a minute.
    await until('as long again has passed', async () => {
      for (const effect of await looksAgain()) {
        await redis.zadd(`${prefix}:effects`, 'XX', Date.now(), effect);
      }
      return (await judged(0)).length === 5;
    });
    assert.deepEqual(await judged(5), Array(5).fill('unknown'));
    assert.equal(await redis.hlen(`${prefix}:stopped`), 0);
    assert.deepEqual(events, []);
  });
});

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it, type TestContext } from 'node:test';
import { historyFullKey } from '@openfero/core/redis/history';
import { DEFAULT_PREFIX } from '@openfero/core/redis/keys';
import { cannotStartKey } from '@openfero/core/redis/published';
import { type Cluster, finishJob, jobsPath } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition } from '@openfero/testkit/operarii';
import { type Service, serverOf, startService } from '@openfero/testkit/process';
import { promtool, withoutPromtool } from '@openfero/testkit/promtool';
import { type Scrape, scrape } from '@openfero/testkit/scrape';
import { until } from '@openfero/testkit/until';
import { Redis } from 'ioredis';
import { type ClusterSystem, startClusterSystem } from './cluster-system.ts';
import { envOf, notificationOf } from './system.ts';

const GOOD = 'openfero-good-firing';
const BAD = 'openfero-bad-firing';

/** Metrics that Redis knows: they are left out while it does not answer. */
const OF_REDIS = [
  'openfero_jobs_total',
  'openfero_history_entries',
  'openfero_history_skipped_total',
  'openfero_queue_remediations',
  'openfero_held_oldest_seconds',
  'openfero_jobs_cannot_start',
  'openfero_redis_memory_ratio',
  'openfero_last_notification_timestamp_seconds',
  'openfero_workers_alive',
];

/** Lines of a new worker. */
const STARTS = [
  ...['unreachable', 'timeout', 'throttled', 'quota', 'forbidden', 'conflict', 'other'].map(
    (reason) => `openfero_remediation_retries_total{reason="${reason}"} 0`,
  ),
  ...['max-active-jobs', 'max-active', 'cooldown', 'claimed', 'newer-payload'].flatMap((reason) => [
    `openfero_held_oldest_seconds{reason="${reason}"} 0`,
    `openfero_remediations_held{reason="${reason}"} 0`,
  ]),
  'openfero_job_duration_seconds_count{fate="failed"} 0',
  'openfero_mode{mode="run"} 1',
  'openfero_mode{mode="off"} 0',
];

/** Metrics that a worker has only with some settings. */
const OF_SETTINGS = /^worker openfero_alertmanager_/;

interface Running extends ClusterSystem {
  readonly dashboard: Service;
  readonly client: Redis;
  /** Sends alerts and waits for the ends of their remediations. @returns their Jobs, by alertname */
  send(...alertnames: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

async function start(t: TestContext, plane: Cluster): Promise<Running> {
  const system = await startClusterSystem(t, plane);
  await system.define(definition('Good'));
  await system.define(definition('Bad', { job: { spec: { backoffLimit: 0 } } }));
  await Promise.all([system.startReceiver(), system.startWorker(), system.startWorker()]);
  const dashboard = await startService(serverOf('dashboard'), envOf(system.redis.url));
  t.after(() => dashboard.stop());
  const client = new Redis(system.redis.url);
  client.on('error', () => {});
  t.after(() => client.disconnect());
  await Promise.all([...system.receivers, ...system.workers, dashboard].map((one) => one.ready()));
  return {
    ...{ ...system, dashboard, client },
    async send(...alertnames) {
      const before = system.workers.flatMap(({ lines }) => lines.filter(isEnd)).length;
      await system.post(notificationOf(alertnames.map((alertname) => ({ alertname }))));
      const ends = (): Service['lines'] =>
        system.workers.flatMap(({ lines }) => lines.filter(isEnd));
      await until('they ended', () => ends().length >= before + alertnames.length);
      return new Map(ends().map((line) => [String(line['alertname']), String(line['job'])]));
    },
  };
}

const isEnd = (line: Service['lines'][number]): boolean => line['outcome'] !== undefined;

const scrapeOf = async (service: Service | undefined): Promise<Scrape> =>
  scrape((await service?.url()) ?? '');

/** The rows of the table, a `service metric` each. */
async function documentedMetrics(services: readonly string[]): Promise<readonly string[]> {
  const page = await readFile(new URL('../docs/monitoring.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(openfero_\w+)(?:\{[\w,]*\})?` +\| ([\w, ]+?) +\|/gm)];
  return rows.flatMap(([, metric, used = '']) =>
    (used === 'all' ? services : used.split(', ')).map((service) => `${service} ${metric}`),
  );
}

/** Of a file in deploy/. A histogram has three series. */
async function metricsIn(file: string): Promise<readonly string[]> {
  const text = await readFile(new URL(`../deploy/${file}`, import.meta.url), 'utf8');
  const names = text.match(/\b(?:openfero|process)_[a-z_]+(?=\{| |\[|\)|$)/gm) ?? [];
  return names.map((name) => name.replace(/_(bucket|count|sum)$/, ''));
}

/** Fails where it takes so long that Prometheus gives up, or has what only Redis knows. */
async function scrapedWithoutRedis(service: Service | undefined): Promise<void> {
  const since = performance.now();
  const { text } = await scrapeOf(service);
  assert.ok(performance.now() - since < 5000);
  const known = OF_REDIS.filter((name) => new RegExp(`^${name}[ {]`, 'm').test(text));
  assert.deepEqual(known, []);
  assert.match(text, /^openfero_build_info{/m);
}

await describeOnControlPlane('metrics', (plane) => {
  it('of running services are exact through kills, the same in each worker, and valid', async (t) => {
    const system = await start(t, plane);
    const { workers, receivers, dashboard, client, redis, namespace } = system;
    const everywhere = async (
      name: string,
      labels: Record<string, string>,
      value: number,
    ): Promise<void> => {
      const alive = workers.slice(-2);
      await until(`${name}${JSON.stringify(labels)} is ${value}`, async () => {
        const scrapes = await Promise.all(alive.map(scrapeOf));
        return scrapes.every((one) => one.value(name, labels) === value);
      });
    };
    const ended = (operarius: string, fate: string, count: number): Promise<void> =>
      everywhere('openfero_jobs_total', { operarius, fate }, count);

    await t.test('every series of a closed list starts at 0', async () => {
      for (const operarius of ['', GOOD, BAD]) {
        for (const fate of ['succeeded', 'failed', 'deleted']) await ended(operarius, fate, 0);
      }
      const worker = await scrapeOf(workers[0]);
      for (const line of STARTS) assert.ok(worker.text.includes(`\n${line}\n`), line);
    });

    await t.test('the receiver knows how many workers are alive', async () => {
      const alive = async (): Promise<number | undefined> =>
        (await scrapeOf(receivers[0])).value('openfero_workers_alive');
      await until('both', async () => (await alive()) === 2);
    });

    await t.test('a Job is counted by its fate, once', async () => {
      const jobs = await system.send('Good', 'Bad', 'Nobody');
      await everywhere('openfero_jobs_active', {}, 2);
      // Three ends, and two operarii that are new.
      await everywhere('openfero_history_entries', {}, 5);
      const name = String(jobs.get('Bad'));
      await finishJob(plane, { namespace, name }, 'Failed');
      await ended(BAD, 'failed', 1);
      await everywhere('openfero_jobs_active', {}, 1);

      workers[0]?.kill();
      const path = `${jobsPath(namespace)}/${jobs.get('Good')}`;
      await plane.request('DELETE', `${path}?propagationPolicy=Background`);
      await system.startWorker();
      await ended(GOOD, 'deleted', 1);
      await ended(BAD, 'failed', 1);
      await ended(GOOD, 'succeeded', 0);
    });

    await t.test('one whose ConfigMap is gone is counted without a name', async () => {
      await system.define(definition('Gone'));
      await ended('openfero-gone-firing', 'failed', 0);
      const jobs = await system.send('Gone');
      await plane.kubectl(['delete', 'configmap', 'openfero-gone-firing', '-n', namespace]);
      await until('it is no series any more', async () => {
        const scrapes = await Promise.all(workers.slice(-2).map(scrapeOf));
        return !scrapes.some(({ text }) => text.includes('{operarius="openfero-gone-firing",fate'));
      });
      await finishJob(plane, { namespace, name: String(jobs.get('Gone')) });
      await ended('', 'succeeded', 1);
    });

    await t.test('requests to the API server are timed', async () => {
      const scrapes = await Promise.all(workers.slice(-2).map(scrapeOf));
      const count = (verb: string): number => {
        const name = 'openfero_kubernetes_request_duration_seconds_count';
        return scrapes.reduce((sum, one) => sum + (one.value(name, { verb }) ?? 0), 0);
      };
      assert.ok(count('list') >= 2);
      assert.ok(count('watch') >= 2);
      assert.ok(count('create') >= 1);
    });

    await t.test('what the history skips is counted, and how full Redis is', async () => {
      const worker = workers.at(-1);
      const skipped = async (): Promise<number> =>
        (await scrapeOf(worker)).value('openfero_history_skipped_total') ?? Number.NaN;
      assert.equal(await skipped(), 0);
      assert.equal((await scrapeOf(worker)).value('openfero_redis_memory_ratio'), undefined);
      await client.config('SET', 'maxmemory', '100mb');
      for (const service of [worker, receivers[0]]) {
        const ratio = (await scrapeOf(service)).value('openfero_redis_memory_ratio') ?? 0;
        assert.ok(ratio > 0.005 && ratio < 0.5, `${ratio}`);
      }
      let sent = 0;
      await until('it is counted', async () => {
        // A worker removes the flag every 5 s.
        await client.set(historyFullKey(DEFAULT_PREFIX), '1');
        await system.send(`Skipped${sent++}`);
        return (await skipped()) > 0;
      });
    });

    await t.test('the last notification has a time', async () => {
      const before = Date.now() / 1000;
      const latest = async (): Promise<number> =>
        (await scrapeOf(receivers[0])).value('openfero_last_notification_timestamp_seconds') ?? 0;
      let sent = 0;
      await until('it is known', async () => {
        // A receiver writes it once a second.
        await system.send(`Late${sent++}`);
        return (await latest()) >= before;
      });
      assert.ok((await latest()) <= Date.now() / 1000);
    });

    await t.test('Jobs whose pods cannot be created are counted', async () => {
      await until('it is seen', async () => {
        // A worker finds out that there is no such Job, and forgets it.
        await client.hset(cannotStartKey(DEFAULT_PREFIX), 'job-1', 'no ServiceAccount');
        return (await scrapeOf(workers.at(-1))).value('openfero_jobs_cannot_start') === 1;
      });
    });

    const services = { receiver: receivers[0], worker: workers.at(-1), dashboard };

    await t.test('promtool finds no fault', withoutPromtool(), async () => {
      for (const [name, service] of Object.entries(services)) {
        const { text } = await scrapeOf(service);
        const { output } = await promtool(['check', 'metrics'], { input: text });
        // It minds names of prom-client's default metrics.
        const faults = output.split('\n').filter((line) => !/^(nodejs_|$)/.test(line));
        assert.deepEqual([name, faults], [name, []]);
      }
    });

    await t.test('are all that the dashboard of Grafana and the rules look at', async () => {
      const scrapes = await Promise.all(Object.values(services).map(scrapeOf));
      const known = new Set(scrapes.flatMap(({ names }) => [...names]));
      const used = new Set([
        ...(await metricsIn('grafana/openfero.json')),
        ...(await metricsIn('prometheus/openfero.rules.yml')),
      ]);
      assert.ok(used.size > 25, `${used.size}`);
      assert.deepEqual(
        [...used].filter((name) => !known.has(name) && !OF_SETTINGS.test(`worker ${name}`)),
        [],
      );
    });

    await t.test('all are in docs/monitoring.md, with the service that has them', async () => {
      const documented = await documentedMetrics(Object.keys(services));
      const found = await Promise.all(
        Object.entries(services).map(async ([name, service]) =>
          [...(await scrapeOf(service)).names]
            .filter((metric) => metric.startsWith('openfero_'))
            .map((metric) => `${name} ${metric}`),
        ),
      );
      const always = documented.filter((row) => !OF_SETTINGS.test(row));
      assert.deepEqual(found.flat().sort(), always.sort());
    });

    await t.test('a scrape answers while Redis does not, without what Redis knows', async () => {
      redis.pause();
      for (const service of Object.values(services)) await scrapedWithoutRedis(service);
      await redis.kill();
      for (const service of Object.values(services)) await scrapedWithoutRedis(service);
      assert.notEqual((await scrapeOf(workers.at(-1))).value('openfero_jobs_active'), undefined);
    });
  });
});

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { troubleOf } from '@openfero/core/identity/trouble';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { readNotification } from '@openfero/core/notification';
import { dataKey, readOperarius } from '@openfero/core/operarius';
import { RejectedAlert, readAlert } from '@openfero/core/read-alert';
import { type Remediation, readRemediation } from '@openfero/core/redis/remediation';
import { render } from '@openfero/core/render';
import { carriedPart } from '@openfero/core/render/carried';
import { configMap, jobManifest } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import fc from 'fast-check';
import {
  buildReceiver,
  PAYLOADS,
  type TestReceiver,
} from '../../services/receiver/test/receiver.ts';
import { DEFAULTS } from './operarii.ts';

/** For a long run: OPENFERO_FUZZ_RUNS=100000. */
const RUNS = Number(process.env['OPENFERO_FUZZ_RUNS'] ?? 500);

const GOOD = '{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"Next"},';
const NEXT = `${GOOD}"startsAt":"2026-11-22T04:34:40.113210877Z"}]}`;

describe('any request body', () => {
  let server: TestRedis;

  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());

  it(`is answered, never with 500, and the next notification is accepted (${RUNS} runs)`, async (t) => {
    const receiver = await buildReceiver(t, server.url, { OPENFERO_MAX_WAITING: '100000000' });
    await taken(receiver);
    const property = fc.asyncProperty(fc.oneof(bodies, mutants, notifications), async (body) => {
      const { statusCode } = await receiver.post(body);
      assert.ok([200, 400, 503].includes(statusCode), `answered ${statusCode}`);
      const since = performance.now();
      await taken(receiver);
      assert.ok(performance.now() - since < 1500, 'the next notification had to wait');
      // The queue is not tested here and would grow.
      await receiver.redis.flushall();
    });
    await fc.assert(property, { numRuns: RUNS });
  });

  it(`leads to a valid Job or none (${RUNS} runs)`, () => {
    const property = fc.property(fc.oneof(bodies, mutants, notifications), (body) => {
      for (const remediation of remediationsOf(body)) assertLegal(remediation);
    });
    fc.assert(property, { numRuns: RUNS });
  });
});

async function taken({ post }: TestReceiver): Promise<void> {
  const limit = performance.now() + 5000;
  let code = 0;
  while (code !== 200 && performance.now() < limit) code = (await post(NEXT)).statusCode;
  assert.equal(code, 200);
}

/** Any JSON, and what is not JSON. */
const bodies = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.json({ maxDepth: 4 }),
  fc.json({ maxDepth: 2 }).map((alerts) => `{"version":"4","alerts":[${alerts}]}`),
);

/** Real bodies with a few bytes changed or left out. */
const mutants = fc
  .record({
    body: fc.constantFrom(...PAYLOADS.map((payload) => payload.body)),
    at: fc.nat(4000),
    without: fc.nat(20),
    text: fc.oneof(
      fc.string({ unit: 'binary', maxLength: 10 }),
      fc.constantFrom('"', '{', '}', ','),
    ),
  })
  .map(({ body, at, without, text }) => {
    const start = at % body.length;
    return body.slice(0, start) + text + body.slice(start + without);
  });

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom('', '__proto__', 'constructor', '$(PATH)', 'a..b', '-', '\0', 'İ'.repeat(70)),
);
const values = fc.oneof({ arbitrary: texts, weight: 20 }, { arbitrary: fc.jsonValue(), weight: 1 });
const times = fc.oneof(
  { arbitrary: fc.date({ noInvalidDate: true }).map((date) => date.toISOString()), weight: 9 },
  { arbitrary: values, weight: 1 },
);
const alerts = fc.record(
  {
    status: fc.oneof(
      { arbitrary: fc.constantFrom('firing', 'resolved'), weight: 9 },
      { arbitrary: values, weight: 1 },
    ),
    labels: fc
      .tuple(texts, fc.array(fc.tuple(texts, values), { maxLength: 10 }))
      .map(([alertname, more]) => Object.fromEntries([...more, ['alertname', alertname]])),
    annotations: fc.array(fc.tuple(texts, texts)).map((entries) => Object.fromEntries(entries)),
    startsAt: times,
    endsAt: times,
    generatorURL: values,
    fingerprint: values,
  },
  { requiredKeys: ['labels', 'startsAt'] },
);

/** Valid notifications with hostile text everywhere. */
const notifications = fc
  .record(
    {
      version: fc.constantFrom('4', '1'),
      groupKey: texts,
      status: texts,
      externalURL: texts,
      truncatedAlerts: fc.integer(),
      alerts: fc.array(alerts, { minLength: 1, maxLength: 5 }),
    },
    { requiredKeys: ['version', 'alerts'] },
  )
  .map((notification) => JSON.stringify(notification));

/** The remediations that the receiver would add. */
function remediationsOf(body: string): Remediation[] {
  try {
    const ignore = (): void => {};
    const { alerts: all, status, groupKey: key } = readNotification(JSON.parse(body), ignore);
    const reading = { groupStatus: status, receivedAt: 1.7e12, warn: ignore };
    return all.flatMap((value) => {
      const read = readAlert(value, reading);
      if (read instanceof RejectedAlert) return [];
      const alert = carriedPart(read);
      const group = { key, status: status ?? alert.status, externalURL: '' };
      return [readRemediation({ v: 1, id: 'fuzz', receivedAt: 1.7e12, group, alert })];
    });
  } catch {
    return [];
  }
}

const NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const LABEL = /^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

function assertLegal(remediation: Remediation): void {
  const { labels, status } = remediation.alert;
  const operarius = readOperarius(
    definedFor(labels['alertname'] ?? '', status),
    labels['alertname'] ?? '',
    DEFAULTS,
  );
  if (operarius === undefined) return;
  const identity = { ...troubleOf(remediation, operarius), n: 0 };
  const times = { ttlSeconds: 3600, deadlineSeconds: 3600 };
  const { job } = render({
    operarius,
    remediation,
    identity,
    namespace: 'fuzz',
    ...times,
    ownServiceAccount: undefined,
  });
  const { name, labels: made, annotations } = job.metadata;
  assert.ok(NAME.test(name) && name.length <= 63, `name ${name}`);
  for (const value of Object.values(made)) {
    assert.ok(LABEL.test(value) && value.length <= 63, `label ${JSON.stringify(value)}`);
  }
  assert.ok(JSON.stringify(annotations).length < 256 * 1024);
  const text = JSON.stringify(job, (key, value: unknown) => {
    assert.ok(!`${key}${typeof value === 'string' ? value : ''}`.includes('\0'), 'NUL');
    return value;
  });
  for (const [, variable = ''] of text.matchAll(/"name":"(OPENFERO_[^"]*)"/g)) {
    assert.match(variable, VARIABLE);
  }
}

/** The operarius for the alert. */
function definedFor(alertname: string, status: 'firing' | 'resolved'): ConfigMap {
  const job = JSON.stringify(jobManifest());
  return configMap(alertname, {
    status,
    policy: { alertname },
    data: { [dataKey(alertname)]: job },
  });
}

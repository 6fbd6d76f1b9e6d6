import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { deployedMemory } from '@openfero/testkit/deployed';
import { type Service, serverOf, startService } from '@openfero/testkit/process';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';

/** A receiver as it is shipped: with the memory of deploy/kubernetes, and Node.js as in the image. */
const { limit: LIMIT, env: AS_DEPLOYED } = deployedMemory('receiver');

function numberIn(text: string, pattern: RegExp): number {
  const found = Number(pattern.exec(text)?.[1]);
  assert.ok(found > 0, String(pattern));
  return found;
}

let redis: TestRedis;
let folder: string;
let receiver: Service;
let url: string;
before(async () => {
  redis = await startRedis();
  folder = mkdtempSync(join(tmpdir(), 'openfero-compiled-'));
  // The image has its code compiled: to load it otherwise takes 20 MB.
  await (await startReceiver()).stop();
  receiver = await startReceiver();
  url = await receiver.url();
});
after(async () => {
  await receiver.stop();
  await redis.stop();
  rmSync(folder, { recursive: true });
});

async function startReceiver(): Promise<Service> {
  const started = await startService(serverOf('receiver'), {
    ...{ REDIS_URL: redis.url, HOST: '127.0.0.1', PORT: '0' },
    // What waits here is not what is tested: no worker takes it.
    ...{ OPENFERO_MAX_WAITING: '1000000000' },
    ...{ ...AS_DEPLOYED, NODE_COMPILE_CACHE: folder },
  });
  await started.ready();
  return started;
}

async function post(body: string): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/alerts`, { method: 'POST', headers, body });
  await answer.arrayBuffer();
  return answer.status;
}

/** The most memory that the process has had, in MiB, without its program, which the kernel can drop. */
function peakOf({ pid }: Service): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const most = numberIn(status, /^VmHWM:\s+(\d+) kB$/m);
  return (most - numberIn(status, /^RssFile:\s+(\d+) kB$/m)) / 1024;
}

const wrap = (alerts: string): string => `{"version":"4","status":"firing","alerts":[${alerts}]}`;
const alertOf = (name: string, annotation = ''): string =>
  `{"labels":{"alertname":"${name}"},"annotations":{"text":"${annotation}"},"startsAt":"2026-01-01T00:00:00Z"}`;
const many = (count: number, of: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => of(index)).join(',');

const TEXT = 'x'.repeat(1900);

/** What is sent at once, and which answers are right. Each 503 is repeated by Alertmanager. */
const ATTACKS: readonly (readonly [what: string, bodies: () => string[], codes: number[]])[] = [
  [
    'bodies with a million bad members',
    () => new Array(8).fill(wrap(`${alertOf('Good')},${many(1_000_000, () => '{}')}`)),
    [413, 503],
  ],
  [
    'a body with 250,000 labels',
    () => [wrap(`{"labels":{"alertname":"A",${many(250_000, (i) => `"${i}":""`)}}}`)],
    [400],
  ],
  [
    '20,000 small alerts, eight times at once',
    () =>
      Array.from({ length: 8 }, (_, n) =>
        wrap(many(20_000, (i) => `{"labels":{"alertname":"${n}-${i}"}}`)),
      ),
    [200, 503],
  ],
  [
    'sixteen honest notifications of 2.6 MB at once',
    () => Array.from({ length: 16 }, (_, n) => wrap(many(1300, (i) => alertOf(`${n}-${i}`, TEXT)))),
    [200, 503],
  ],
  [
    'sixty alerts of 2.9 MB at once',
    () => Array.from({ length: 60 }, (_, n) => wrap(alertOf(`${n}`, 'x'.repeat(2_900_000)))),
    [200, 503],
  ],
];

for (const [what, bodies, codes] of ATTACKS) {
  test(`${what}: the receiver stays within ${LIMIT} MiB and takes a notification meanwhile`, {
    skip: process.platform !== 'linux' && 'reads /proc',
  }, async (t) => {
    const meanwhile: number[] = [];
    const taken = (): boolean => meanwhile.includes(200);
    const all = bodies();
    let attacking = true;
    const attacked = Promise.all(all.map(post)).finally(() => {
      attacking = false;
    });
    // As Alertmanager does: what is answered with 503, on a busy machine, is sent again.
    const deadline = performance.now() + 60_000;
    while ((attacking || !taken()) && performance.now() < deadline) {
      meanwhile.push(await post(wrap(alertOf(`P${meanwhile.length}`))));
    }

    for (const code of await attacked) assert.ok(codes.includes(code), `answered with ${code}`);
    assert.ok(taken(), `answered with ${meanwhile}`);
    const peak = peakOf(receiver);
    t.diagnostic(`${Math.round(peak)} MiB at most`);
    assert.ok(peak < LIMIT, `${peak} MiB`);
  });
}

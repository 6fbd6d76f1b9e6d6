import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_PREFIX } from '@openfero/core/redis/keys';
import { QUEUE } from '@openfero/core/redis/remediation';
import { createAuthority, issueServerCertificate } from '@openfero/testkit/certificates';
import { definition } from '@openfero/testkit/operarii';
import { serverOf, startService } from '@openfero/testkit/process';
import { startRedis } from '@openfero/testkit/redis';
import { queued, remediation } from '@openfero/testkit/remediations';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';

/** How long the certificate is from an unknown CA. `OPENFERO_UNTRUSTED_SECONDS=60` for a long run. */
const SECONDS = Number(process.env['OPENFERO_UNTRUSTED_SECONDS'] ?? 3);

/** In a minute. */
const LINES = 40;

/** Milliseconds until a worker works again. */
const RESUMED = 5000;

test(`a worker whose Redis has a certificate of an unknown CA for ${SECONDS} s is calm, not ready, and works once it has another one`, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'openfero-untrusted-'));
  const file = (name: string): string => join(folder, name);
  await Promise.all([createAuthority(folder), mkdir(file('operarii')), mkdir(file('jobs'))]);
  await issueServerCertificate(folder, 'known');
  await writeFile(join(file('operarii'), 'any.yaml'), definition('Any'));
  const redis = await startRedis({ tls: true });
  const own = new Redis(redis.url, {
    tls: { rejectUnauthorized: false },
    maxRetriesPerRequest: null,
  });
  const queue = new Queue(QUEUE, { connection: own, prefix: DEFAULT_PREFIX });
  const { name, data, opts } = queued(remediation('Any'));
  await queue.add(name, data, opts);

  const worker = await startService(serverOf('worker'), {
    ...{ HOST: '127.0.0.1', PORT: '0', OPENFERO_CLUSTER: 'directory' },
    ...{ OPENFERO_OPERARII_DIR: file('operarii'), OPENFERO_JOBS_DIR: file('jobs') },
    ...{ REDIS_URL: redis.url, REDIS_CA_FILE: file('ca.crt') },
  });
  t.after(async () => {
    await worker.stop();
    await queue.close();
    own.disconnect();
    await redis.stop();
    await rm(folder, { recursive: true });
  });
  const says = /not trusted \(.*REDIS_CA_FILE/;
  await worker.waitForLine(({ msg }) => says.test(msg));
  await sleep(SECONDS * 1000);
  const readyz = await fetch(`${await worker.url()}/readyz`);
  assert.equal(readyz.status, 503);
  assert.match(await readyz.text(), says);
  const written = [...worker.lines.map(({ msg }) => msg), ...worker.stderr];
  assert.ok(written.length <= (SECONDS < 60 ? LINES / 4 : LINES), written.join('\n'));
  t.diagnostic(`${written.length} lines`);

  const [cert, key] = ['known.crt', 'known.key'].map(file);
  await own.config('SET', 'tls-cert-file', String(cert), 'tls-key-file', String(key));
  const since = performance.now();
  await worker.waitForLine((line) => line['outcome'] === 'created');
  const took = performance.now() - since;
  t.diagnostic(`works after ${Math.round(took)} ms`);
  assert.ok(took < RESUMED, `works after ${took} ms`);
});

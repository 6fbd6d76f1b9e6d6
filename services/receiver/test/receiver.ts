import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { QUEUE } from '@openfero/core/redis/remediation';
import { createLogger } from '@openfero/service/log';
import { createMetrics } from '@openfero/service/metrics';
import { connectRedis, type RedisConnection } from '@openfero/service/redis';
import { NO_TRACING } from '@openfero/service/tracing';
import { type Job, Queue } from 'bullmq';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { Redis } from 'ioredis';
import { buildApp } from '../src/app.ts';
import { recordNotifications } from '../src/last-notification.ts';
import { readSettings } from '../src/settings.ts';
import { createStore } from '../src/store.ts';

/** A receiver of this process over a real Redis, with a queue of its own. */
export interface TestReceiver {
  readonly app: FastifyInstance;
  /** The receiver's own connection. */
  readonly redis: RedisConnection;
  readonly prefix: string;
  post(body: unknown, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
  /** The value of one line of /metrics, by all that stands before it. */
  metric(line: string): Promise<number>;
}

export async function buildReceiver(
  t: TestContext,
  redisUrl: string,
  env: Record<string, string> = {},
): Promise<TestReceiver> {
  const prefix = `{${randomUUID()}}`;
  const settings = readSettings({ REDIS_URL: redisUrl, OPENFERO_QUEUE_PREFIX: prefix, ...env });
  const log = createLogger('silent', 'receiver');
  const redis = connectRedis(settings.redis, { kind: 'producer', name: 'test' });
  const store = createStore(redis, settings, log);
  const onNotification = recordNotifications(redis, prefix);
  const registry = createMetrics();
  const tracing = NO_TRACING;
  const app = await buildApp({ settings, log, store, registry, tracing, onNotification });
  t.after(async () => {
    await app.close();
    await store.close();
    redis.disconnect();
  });
  return {
    app,
    redis,
    prefix,
    post: (body, headers = {}) =>
      app.inject({
        method: 'POST',
        url: '/alerts',
        headers: { 'content-type': 'application/json', ...headers },
        payload: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    async metric(line) {
      const { body } = await app.inject('/metrics');
      const found = body.split('\n').find((each) => each.startsWith(`${line} `));
      return found === undefined ? Number.NaN : Number(found.slice(line.length));
    },
  };
}

/** An answer of 200, without the ids in it. */
export function countsOf(answer: LightMyRequestResponse): Record<string, number> {
  const { queued, absorbed, remediations, rejected } = answer.json();
  assert.equal(remediations.length, Math.min(queued, 100));
  return { queued, absorbed, rejected: rejected.length };
}

/** Not by events.once, which gives up at the first error: trouble on the way is what is tested. */
export async function untilReady(redis: RedisConnection): Promise<void> {
  if (redis.status !== 'ready') await new Promise<void>((done) => redis.once('ready', done));
}

export function untilClosed(redis: RedisConnection): Promise<void> {
  return new Promise((done) => redis.once('close', done));
}

/** What waits in the queue, looked at through a connection of the test's own; oldest first. */
export async function waiting(redisUrl: string, prefix: string): Promise<Job[]> {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue(QUEUE, { connection, prefix });
  try {
    return await queue.getJobs(['waiting'], 0, -1, true);
  } finally {
    await queue.close();
    connection.disconnect();
  }
}

const FOLDER = new URL('../../../test/payloads/', import.meta.url);

/** Bodies that a real Alertmanager sent. */
export const PAYLOADS: readonly { name: string; body: string }[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({ name, body: readFileSync(new URL(name, FOLDER), 'utf8') }));

export interface TestAlert {
  status?: string;
  labels: Record<string, unknown>;
  startsAt: string;
  fingerprint?: string;
}

export function alert(name: string, labels: Record<string, unknown> = {}): TestAlert {
  return {
    status: 'firing',
    labels: { alertname: name, ...labels },
    startsAt: '2026-11-22T04:34:40.113210877Z',
  };
}

export function notification(...alerts: unknown[]): Record<string, unknown> {
  return {
    version: '4',
    groupKey: '{}:{alertname="A"}',
    status: 'firing',
    externalURL: 'http://alertmanager.example.com',
    truncatedAlerts: 0,
    alerts,
  };
}

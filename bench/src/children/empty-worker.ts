import { createServer } from 'node:http';
import { QUEUE } from '@openfero/core/redis/remediation';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { CONCURRENCY } from '../parts/names.ts';

/**
 * BullMQ's own speed: a worker that does nothing with what it takes.
 *
 * Arguments: the port for its readiness, Redis' address, the queue's prefix.
 */
const [, , port, url = '', prefix = ''] = process.argv;

const connection = new Redis(url, { maxRetriesPerRequest: null });
const worker = new Worker(QUEUE, async () => null, {
  ...{ connection, prefix, concurrency: CONCURRENCY, skipVersionCheck: true },
});
await worker.waitUntilReady();
createServer((_request, response) => response.end()).listen(Number(port), '127.0.0.1');

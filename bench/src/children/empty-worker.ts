import { createServer } from 'node:http';
import { QUEUE } from '@openfero/core/redis/remediation';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { CONCURRENCY } from '../parts/names.ts';

/**
 * The speed of BullMQ alone: a worker that does nothing with its jobs.
 *
 * Arguments: port for readiness, address of Redis, prefix of the queue.
 */
const [, , port, url = '', prefix = ''] = process.argv;

const connection = new Redis(url, { maxRetriesPerRequest: null });
const worker = new Worker(QUEUE, async () => null, {
  ...{ connection, prefix, concurrency: CONCURRENCY, skipVersionCheck: true },
});
await worker.waitUntilReady();
createServer((_request, response) => response.end()).listen(Number(port), '127.0.0.1');

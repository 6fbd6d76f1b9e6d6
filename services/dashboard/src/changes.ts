import { QUEUE } from '@openfero/core/redis/remediation';
import type { Logger } from '@openfero/service/log';
import { script } from '@openfero/service/script';
import { ErrorCode, type Queue } from 'bullmq';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Redis } from 'ioredis';
import { CLEAN_GRACE_MS } from './limits.ts';
import type { Change } from './routes.ts';

interface Answer {
  readonly code: 200 | 204 | 404 | 405 | 409;
  readonly body?: object;
  /** How many remediations it changed. */
  readonly changed: number;
}

/** Takes the name of a remediation or, where it is about many, of a state. */
type Action = (subject: string) => Promise<Answer>;

export interface ChangeOptions {
  readonly queue: Queue;
  readonly redis: Redis;
  readonly log: Logger;
  /** As the log names who did it. */
  readonly user: string;
}

/**
 * Makes what people may change, in the place of Bull Board's own handlers: these take the state that
 * a page saw for the state that is, and would remove what is waiting again.
 */
export function changes(
  options: ChangeOptions,
): (change: Change, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply> {
  const { log, user } = options;
  const actions = actionsOn(options);
  return async (change, request, reply) => {
    if (param(request, 'queueName') !== QUEUE) return reply.code(404).send(NO_QUEUE);
    const subject = param(request, 'jobId') || param(request, 'queueStatus');
    const { code, body, changed } = await actions[change](subject);
    const line = { user, address: request.ip, action: change, subject, changed };
    if (changed > 0) log.info(line, 'somebody changed the queue');
    return reply.code(code).send(body);
  };
}

const NO_QUEUE = { error: `there is no such queue: the only one is ${QUEUE}` };

function actionsOn({ queue, redis }: ChangeOptions): Readonly<Record<Change, Action>> {
  const removeIfFailed = script(redis, REMOVE_IF_FAILED);
  return {
    retry: async (id) => {
      const job = await queue.getJob(id);
      if (job === undefined) return MISSING;
      try {
        // Moved by one script, and only where it is in the failed set.
        await job.retry('failed');
        return { code: 204, changed: 1 };
      } catch (error) {
        if (isNoLongerFailed(error)) return notFailed(queue, id);
        throw error;
      }
    },
    'retry all': onFailed(async () => {
      const failed = await queue.getFailedCount();
      await queue.retryJobs({ state: 'failed' });
      return { code: 200, changed: failed, body: { retried: failed, skipped: 0 } };
    }),
    remove: async (id) => {
      const keys = ['failed', id, `${id}:logs`].map((name) => queue.toKey(name));
      const removed = await removeIfFailed(keys, [id]);
      return removed === 1 ? { code: 204, changed: 1 } : notFailed(queue, id);
    },
    clean: onFailed(async () => {
      const removed = await queue.clean(CLEAN_GRACE_MS, 0, 'failed');
      return { code: 200, changed: removed.length, body: {} };
    }),
  };
}

/**
 * Removes a remediation where it is in the failed set, in one step: retried by somebody else a moment
 * ago, it is an acknowledged alert that waits again. Its deduplication key went when it failed.
 *
 * KEYS the failed set, the job, its logs; ARGV[1] its id. Returns how many were removed.
 */
const REMOVE_IF_FAILED = `
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('DEL', KEYS[2], KEYS[3])
return 1
`;

const MISSING: Answer = {
  code: 404,
  changed: 0,
  body: { error: 'there is no such remediation: it was removed, or its time was over' },
};

async function notFailed(queue: Queue, id: string): Promise<Answer> {
  const state = await queue.getJobState(id);
  if (state === 'unknown') return MISSING;
  const error = `only a failed remediation can be retried or removed, this one is ${state}`;
  return { code: 409, changed: 0, body: { error } };
}

function isNoLongerFailed(error: unknown): boolean {
  if (!(error instanceof Error && 'code' in error)) return false;
  return error.code === ErrorCode.JobNotInState || error.code === ErrorCode.JobNotExist;
}

/** Lets through what is about all the failed ones: every other state is somebody's alert. */
function onFailed(action: () => Promise<Answer>): Action {
  return async (state) => {
    if (state === 'failed') return action();
    const error = 'only failed remediations can be retried or removed';
    return { code: 405, changed: 0, body: { error } };
  };
}

function param({ params }: FastifyRequest, name: string): string {
  const values: Map<string, unknown> = new Map(Object.entries(params ?? {}));
  return String(values.get(name) ?? '');
}

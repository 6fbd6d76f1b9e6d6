import { codeOf } from '@openfero/core/errors';
import { QUEUE } from '@openfero/core/redis/remediation';
import type { Logger } from '@openfero/service/log';
import { script } from '@openfero/service/script';
import { ErrorCode, type Queue } from 'bullmq';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Registry } from 'prom-client';
import { createActCounter, type RecordAct } from './acts.ts';
import type { Answer } from './answer.ts';
import { createDecide } from './decide.ts';
import { CLEAN_GRACE_MS } from './limits.ts';
import type { PersonOf } from './person.ts';
import { createRearm } from './rearm.ts';
import { createRerun, type RerunOptions } from './rerun.ts';
import type { BoardChange, Change } from './routes.ts';

/** Takes the id of a remediation, the name of an operarius or, if it is for many, that of a state. */
type Action = (subject: string, user: string) => Promise<Answer>;

export interface ChangeOptions extends RerunOptions {
  readonly log: Logger;
  readonly metrics: Registry;
  readonly recordAct: RecordAct;
  /** Who did it, as log and history say. */
  readonly personOf: PersonOf;
}

/** Does a change, and logs who did it. @param request what asked for it */
export type MakeChange = (
  change: Change,
  subject: string,
  request: Parameters<PersonOf>[0],
) => Promise<Answer>;

/**
 * Creates everything that people may change. It replaces the handlers of Bull Board: they trust the
 * state that the page has seen, and would remove a remediation that waits again.
 */
export function createChanges(options: ChangeOptions): MakeChange {
  const { log, personOf, recordAct } = options;
  const actions = createActions(options);
  const countActs = createActCounter(options.metrics);
  return async (change, subject, request) => {
    const person = personOf(request);
    const answer = await actions[change](subject, person.user);
    const { changed, remediation } = answer;
    const line = { ...person, action: change, subject, changed, remediation };
    if (changed === 0) return answer;
    countActs(change, changed);
    log.info(
      line,
      change === 'rearm' ? 'a user re-armed an operarius' : 'a user changed the queue',
    );
    // It is done, whether the history has it or not.
    await recordAct(change, subject, person).catch((error: unknown) => {
      log.warn({ ...line, err: error }, 'cannot record in the history what a user did');
    });
    return answer;
  };
}

export type ChangeHandler = (
  change: BoardChange,
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<FastifyReply>;

/** Creates the handler of the routes of Bull Board that change something. */
export function createChangeHandler(makeChange: MakeChange): ChangeHandler {
  return async (change, request, reply) => {
    if (param(request, 'queueName') !== QUEUE) return reply.code(404).send(NO_QUEUE);
    const subject = param(request, 'jobId') || param(request, 'queueStatus');
    const { code, body } = await makeChange(change, subject, request);
    return reply.code(code).send(body);
  };
}

const NO_QUEUE = { error: `no such queue: the only one is ${QUEUE}` };

function createActions(options: ChangeOptions): Readonly<Record<Change, Action>> {
  const { queue, redis } = options;
  const removeIfFailed = script(redis, REMOVE_IF_FAILED);
  return {
    retry: async (id) => {
      const job = await queue.getJob(id);
      if (job === undefined) return MISSING;
      try {
        // One script: it moves the job only if it is in the failed set.
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
    rerun: createRerun(options),
    approve: createDecide(options, 'approved'),
    deny: createDecide(options, 'denied'),
    rearm: createRearm(options),
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
 * Removes a remediation only if it is in the failed set, in one step: if somebody else has just
 * retried it, it is an acknowledged alert that waits again. Its deduplication key was deleted when it
 * failed.
 *
 * KEYS: the failed set, the job, its logs. ARGV[1]: its id. Returns the number of removed ones.
 */
const REMOVE_IF_FAILED = `
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('DEL', KEYS[2], KEYS[3])
return 1
`;

const MISSING: Answer = {
  code: 404,
  changed: 0,
  body: { error: 'no such remediation: it was removed, or its retention time is over' },
};

async function notFailed(queue: Queue, id: string): Promise<Answer> {
  const state = await queue.getJobState(id);
  if (state === 'unknown') return MISSING;
  const error = `only failed remediations can be retried or removed; this one is ${state}`;
  return { code: 409, changed: 0, body: { error } };
}

function isNoLongerFailed(error: unknown): boolean {
  const code = codeOf(error);
  return code === ErrorCode.JobNotInState || code === ErrorCode.JobNotExist;
}

/** Allows an action only on all failed remediations: in every other state they are live alerts. */
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

import { query } from '@openfero/core/history/query';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { MakeChange } from '../../changes.ts';
import { changeHooks } from '../../guard.ts';
import { handledOf, hasFailedJob } from '../../rerun.ts';
import { Address, segment } from '../html.ts';
import { refusedPage, rerunQuestion } from '../rerun.ts';
import {
  type Failed,
  failedOf,
  isAboutFailed,
  MOST_RETRIED,
  retriedPage,
  retryQuestion,
} from '../retry.ts';
import { type Context, param, queryOf, sendPage } from './context.ts';
import { readPlace } from './list.ts';

/** Adds the routes by which a person retries what has failed. Only where that is allowed. */
export function serveRetries(
  scope: FastifyInstance,
  context: Context,
  makeChange: MakeChange,
): void {
  const { history, redis, open } = context;
  const onRequest = changeHooks(redis, open);

  for (const change of ['retry', 'remove', 'rerun'] as const) {
    scope.post(`/remediations/:id/${change}`, { onRequest }, async (request, reply) => {
      const id = param(request, 'id');
      const { code, body, remediation = id } = await makeChange(change, id, request);
      // Who presses twice lands where the first press led to.
      if (code === 204 || remediation !== id) return toStory(reply, remediation);
      return sendPage(context, reply.code(code), refusedPage(body?.error ?? ''));
    });
  }

  scope.get('/remediations/:id/rerun', async (request, reply) => {
    const id = param(request, 'id');
    const row = history.fold.rowOfRemediation(id);
    const handled = handledOf(history, id);
    if (row === undefined || !hasFailedJob(handled)) return toStory(reply, id);
    return sendPage(context, reply, rerunQuestion(row, handled, Date.now()));
  });

  scope.get('/retry', async (request, reply) => {
    const asked = readFailed(request);
    if (asked === undefined) return refuseFilter(reply);
    const page = retryQuestion(asked.filter, asked.failed, Date.now());
    return sendPage(context, reply, page);
  });

  scope.post('/retry', { onRequest }, async (request, reply) => {
    const asked = readFailed(request);
    if (asked === undefined) return refuseFilter(reply);
    const before = Number(queryOf(request).get('before') ?? 0);
    // What has failed since the question was asked, nobody has seen.
    const some = asked.failed
      .filter(({ handled }) => (handled.end?.at ?? 0) <= before)
      .slice(0, MOST_RETRIED);
    let retried = 0;
    for (const { handled } of some) {
      const { changed } = await makeChange('retry', handled.id, request);
      retried += changed;
    }
    return sendPage(context, reply, retriedPage(asked.filter, retried, some.length));
  });

  function readFailed(
    request: FastifyRequest,
  ): { filter: ReturnType<typeof readPlace>['filter']; failed: readonly Failed[] } | undefined {
    const { filter, problems } = readPlace(request);
    // A part that is left out would retry more than was meant.
    if (problems.length > 0 || !isAboutFailed(filter)) return undefined;
    const options = { filter, after: undefined, limit: Number.POSITIVE_INFINITY, now: Date.now() };
    return { filter, failed: failedOf(query(history.fold, options).rows) };
  }
}

/** Not by its referrer: a path of ours only. */
const toStory = (reply: FastifyReply, id: string): FastifyReply =>
  reply.redirect(Address.own(`/remediations/${segment(id)}`).text, 303);

const refuseFilter = (reply: FastifyReply): FastifyReply =>
  reply.code(400).send({
    error: 'the filter must name failed remediations only, such as only=failed or outcome=rejected',
  });

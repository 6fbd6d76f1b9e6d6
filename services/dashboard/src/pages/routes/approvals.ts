import { approvalsKey, readWish } from '@openfero/core/redis/approvals';
import type { FastifyInstance } from 'fastify';
import type { MakeChange } from '../../changes.ts';
import { readQuestions } from '../../decide.ts';
import { changeHooks } from '../../guard.ts';
import { approvalsPage } from '../approvals.ts';
import { Address } from '../html.ts';
import { readStanding } from '../published.ts';
import { refusedPage } from '../rerun.ts';
import { type Context, param, sendPage, whyNoApproval } from './context.ts';

/** Adds the page of the Jobs that wait for a person, and the answers where they are allowed. */
export function serveApprovals(
  scope: FastifyInstance,
  context: Context,
  makeChange: MakeChange,
): void {
  const { redis, prefix, open, history } = context;
  const onRequest = changeHooks(redis, open);

  scope.get('/approvals', async (_request, reply) => {
    const now = Date.now();
    const [questions, wishes, standing] = await Promise.all([
      readQuestions(redis, prefix),
      redis.hgetall(approvalsKey(prefix)),
      readStanding(redis, prefix, history.fold, now),
    ]);
    const asked = questions.map((question) => ({ question, wish: readWish(wishes[question.uid]) }));
    const why = whyNoApproval(context);
    return sendPage(context, reply, approvalsPage(asked, { why, standing, now }));
  });

  if (whyNoApproval(context) !== undefined) return;
  for (const change of ['approve', 'deny'] as const) {
    scope.post(`/approvals/:remediation/${change}`, { onRequest }, async (request, reply) => {
      const remediation = param(request, 'remediation');
      const { code, body } = await makeChange(change, remediation, request);
      if (code === 204) return reply.redirect(Address.own('/approvals').text, 303);
      return sendPage(context, reply.code(code), refusedPage(body?.error ?? ''));
    });
  }
}

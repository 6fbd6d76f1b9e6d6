import { keyOf, type Row } from '@openfero/core/history/row';
import { parseInstant } from '@openfero/core/instant';
import { approvalsKey, readWish } from '@openfero/core/redis/approvals';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { readQuestions } from '../../decide.ts';
import { hasFailedJob, rerunIdOf } from '../../rerun.ts';
import type { AskedNow } from '../approvals.ts';
import { lastOf, readEntries } from '../history.ts';
import { Address } from '../html.ts';
import { readLive } from '../live-state.ts';
import { missingPage } from '../missing.ts';
import { type LiveOf, storyOf } from '../occurrence-row.ts';
import { type Payload, readPayloadOf } from '../payload.ts';
import { readOperarii, readStanding } from '../published.ts';
import { queuedState, rowOf } from '../queued.ts';
import { storyPage } from '../story/page.ts';
import { type Context, param, sendPage, whyNoApproval, whyReadOnly } from './context.ts';

/** Adds the story of an occurrence, by itself and by its remediations. */
export function serveStories(scope: FastifyInstance, context: Context): void {
  const { history, redis, queue, prefix } = context;

  scope.get('/occurrences/:fingerprint/:startsAt', async (request, reply) => {
    const fingerprint = param(request, 'fingerprint');
    const startsAt = parseInstant(param(request, 'startsAt')) ?? '';
    const row = history.fold.row(keyOf({ fingerprint, startsAt, id: '' }));
    return row === undefined ? sendMissing(context, reply) : sendStory(context, reply, row);
  });

  scope.get('/remediations/:id', async (request, reply) => {
    const id = param(request, 'id');
    const row = history.fold.rowOfRemediation(id);
    if (row === undefined) return sendQueued(context, reply, id);
    if (row.fingerprint === '') return sendStory(context, reply, row);
    return reply.redirect(storyOf(row).text, 302);
  });

  /** A remediation that waits, or whose end is not in the history any more. */
  async function sendQueued(c: Context, reply: FastifyReply, id: string): Promise<FastifyReply> {
    const payload = await readPayloadOf(queue, id);
    const remediation = payload?.remediation;
    if (payload === undefined || remediation === undefined) return sendMissing(c, reply);
    const score = await redis.zscore(queue.toKey('delayed'), id);
    const isOver = payload.job.finishedOn !== undefined;
    const state = isOver
      ? ({ kind: 'gone' } as const)
      : queuedState(payload.job, remediation, score);
    return sendStory(c, reply, rowOf(remediation), () => ({ queue: state }));
  }

  async function sendStory(
    c: Context,
    reply: FastifyReply,
    row: Row,
    given?: LiveOf,
  ): Promise<FastifyReply> {
    const now = Date.now();
    const key = keyOf({ ...row, id: (row.firing ?? row.resolved)?.id ?? '' });
    const [entries, payloads, liveOf, operarii, standing, asked] = await Promise.all([
      readEntries(redis, prefix, history.fold.entriesOf(key)),
      readPayloads(row),
      given ?? readLive({ redis, queue, prefix }, [row]),
      readOperarii(redis, prefix, now),
      readStanding(redis, prefix, history.fold, now),
      readAsked(row),
    ]);
    const operarius = (row.firing ?? row.resolved)?.operarius ?? '';
    const failed = [row.firing, row.resolved].find(hasFailedJob);
    const page = storyPage({
      ...{ row, entries, payloads, liveOf, now },
      modes: history.fold.changes.modes,
      definitionsOf: (name) => history.fold.changes.definitionsOf(name),
      jobNamespace: operarii.get(operarius)?.published?.jobNamespace ?? standing.jobNamespace,
      jobUrl: c.jobUrl,
      readOnly: whyReadOnly(c),
      asked,
      whyNoApproval: whyNoApproval(c),
      rerun: failed && (await rerunIdOf({ history, queue, redis, prefix }, failed)),
      events: Address.own(
        '/events',
        new URLSearchParams({ story: key, since: lastOf(history.fold) }).toString(),
      ),
    });
    return sendPage(c, reply, page);
  }

  async function readAsked({ firing, resolved }: Row): Promise<AskedNow | undefined> {
    const questions = await readQuestions(redis, prefix);
    const jobs = [firing?.job?.name, resolved?.job?.name];
    const question = questions.find(({ job }) => jobs.includes(job));
    if (question === undefined) return undefined;
    return { question, wish: readWish(await redis.hget(approvalsKey(prefix), question.uid)) };
  }

  async function readPayloads({ firing, resolved }: Row): Promise<ReadonlyMap<string, Payload>> {
    const payloads = new Map<string, Payload>();
    // One after the other: payloads can be large.
    for (const handled of [firing, resolved]) {
      const payload = handled && (await readPayloadOf(queue, handled.id));
      if (payload !== undefined) payloads.set(payload.id, payload);
    }
    return payloads;
  }
}

const sendMissing = (context: Context, reply: FastifyReply): Promise<FastifyReply> =>
  sendPage(context, reply.code(404), missingPage());

import type { Filter } from '@openfero/core/history/filter';
import { type Place, readFilter } from '@openfero/core/history/filter-url';
import {
  createContentPredicate,
  createPredicate,
  isAboutAny,
} from '@openfero/core/history/predicate';
import { query } from '@openfero/core/history/query';
import type { Row } from '@openfero/core/history/row';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { auditLines, readKinds } from '../audit-lines.ts';
import { readSpan } from '../history.ts';
import { historyLines } from '../history-lines.ts';
import type { Html } from '../html.ts';
import { readLive } from '../live-state.ts';
import { occurrencesPage } from '../occurrences.ts';
import { readOperarii } from '../published.ts';
import { type QueueNow, queuedPart, readQueue } from '../queued.ts';
import { failedOf, isAboutFailed, retryLink } from '../retry.ts';
import { type Context, queryOf, sendPage } from './context.ts';

/** Rows of a page: more than a screen has, rendered in a millisecond. */
const ROWS = 50;

/** Adds the list of occurrences, and the same rows for machines. */
export function serveList(scope: FastifyInstance, context: Context): void {
  const { history, redis, queue, prefix, readOnly } = context;
  scope.get('/', async (request, reply) => {
    const now = Date.now();
    const { problems, ...place } = readPlace(request);
    const answer = query(history.fold, { ...place, limit: ROWS, now });
    const [span, operarii, liveOf, queued] = await Promise.all([
      readSpan(redis, prefix, history.fold),
      readOperarii(redis, prefix, now),
      readLive({ redis, queue, prefix }, answer.rows),
      readQueue({ redis, queue }, { isKnown: isKnownTo(context), passes: searchOf(place) }),
    ]);
    const mayRetry = !readOnly && isAboutFailed(place.filter) && failedOf(answer.rows).length > 0;
    const page = occurrencesPage({
      ...{ place, problems, answer, span, liveOf, now, mayChange: !readOnly },
      operarii: [...operarii.keys()],
      queued: place.after === undefined ? queuedOf(place, queued, now) : undefined,
      retry: mayRetry ? retryLink(place.filter) : undefined,
    });
    return sendPage(context, reply, page);
  });

  scope.get('/history.jsonl', (request, reply) => {
    const now = Date.now();
    const { filter, ...place } = readPlace(request);
    const { kinds, ...asked } = readKinds(queryOf(request));
    const problems = [...place.problems, ...asked.problems];
    if (problems.length > 0) return reply.code(400).send({ error: problems.join('; ') });
    reply.type('application/jsonl; charset=utf-8');
    if (kinds.size > 0) {
      return reply.send(auditLines({ redis, prefix, fold: history.fold, filter, kinds, now }));
    }
    const shows = createPredicate({ ...filter, all: true, last: filter.last ?? now }, now);
    // At once: the next entry changes the list.
    const rows = [...history.fold.rows()].filter(shows);
    return reply.send(historyLines(rows, now));
  });
}

/** Reads the filter. Matchers that cannot be read are a problem, and match everything. */
export function readPlace(
  request: FastifyRequest,
): Place & { readonly problems: readonly string[] } {
  const { filter, ...rest } = readFilter(queryOf(request));
  const isWrong = rest.problems.some((problem) => problem.startsWith('match:'));
  return { ...rest, filter: isWrong ? { ...filter, match: '' } : filter };
}

export const isKnownTo =
  ({ history }: Pick<Context, 'history'>) =>
  (remediation: string): boolean =>
    history.fold.rowOfRemediation(remediation) !== undefined;

/** What waits is listed where the filter would show it. */
function queuedOf({ filter }: Place, queued: QueueNow, now: number): Html | undefined {
  const isEmpty = queued.waiting + queued.active + queued.delayed === 0;
  return isEmpty || isAboutEnds(filter) ? undefined : queuedPart(queued, now);
}

const isAboutEnds = ({ only, to }: Filter): boolean =>
  (only !== undefined && only !== 'held') || to !== undefined;

/** Whether a waiting one is what the person looks for; undefined where any is. Only its labels are known. */
const searchOf = ({ filter }: Place): ((row: Row) => boolean) | undefined =>
  isAboutAny(filter) ? undefined : createContentPredicate(filter);

/** Whether a page with this filter shows the same of the queue as every other one. */
export const showsQueue = ({ filter, after }: Place): boolean =>
  after === undefined && isAboutAny(filter) && !isAboutEnds(filter);

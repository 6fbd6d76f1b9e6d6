import { createPredicate } from '@openfero/core/history/predicate';
import { keyOf, type Row } from '@openfero/core/history/row';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { addBasePath } from '../../base-path.ts';
import { createEvents, type Interest, type ShownRow, sinceOf } from '../events.ts';
import type { Html } from '../html.ts';
import { readLive } from '../live-state.ts';
import { occurrenceRow } from '../occurrence-row.ts';
import { readStanding } from '../published.ts';
import { queuedPart, readQueue } from '../queued.ts';
import { standingBar } from '../standing.ts';
import { type Context, queryOf } from './context.ts';
import { isKnownTo, readPlace, showsQueue } from './list.ts';

/** Seconds after which a browser that found no room asks again. */
const RETRY_AFTER = '30';

/** Adds the stream of changes that open pages listen to. */
export function serveEvents(scope: FastifyInstance, context: Context): void {
  const { history, redis, queue, prefix } = context;
  const events = createEvents({
    history,
    renderRows: (rows) => renderRows(context, rows),
    async renderParts() {
      const now = Date.now();
      const [standing, queued] = await Promise.all([
        readStanding(redis, prefix, history.fold, now),
        readQueue({ redis, queue }, { isKnown: isKnownTo(context) }),
      ]);
      return {
        standing: asSent(standingBar(standing, now), context),
        queue: asSent(queuedPart(queued, now), context),
      };
    },
  });
  // A server that stops waits for its responses.
  scope.addHook('preClose', async () => events.close());

  scope.get('/events', { exposeHeadRoute: false }, (request, reply) => {
    if (events.isFull()) {
      const error = 'too many pages are open: close some, or reload this one by hand';
      return reply.code(503).header('retry-after', RETRY_AFTER).send({ error });
    }
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    });
    events.open(reply.raw, interestOf(request));
    return reply;
  });
}

function interestOf(request: FastifyRequest): Interest {
  const query = queryOf(request);
  const since = sinceOf(query.get('since'));
  const from = sinceOf(request.headers['last-event-id'], query.get('resume'), since);
  const story = query.get('story');
  if (story !== null)
    return {
      ...{ since, from, wantsNew: true, wantsQueue: false },
      predicate: () => (row) => keyOfRow(row) === story,
    };
  const place = readPlace(request);
  const { filter } = place;
  const predicate = (): ((row: Row) => boolean) => createPredicate(filter, Date.now());
  const wantsNew = !query.has('older');
  return { predicate, since, from, wantsNew, wantsQueue: wantsNew && showsQueue(place) };
}

const keyOfRow = (row: Row): string =>
  keyOf({ ...row, id: (row.firing ?? row.resolved)?.id ?? '' });

/** A stream passes none of the hooks that a page does. */
const asSent = (html: Html, { basePath }: Context): string => addBasePath(String(html), basePath);

async function renderRows(
  context: Context,
  rows: readonly ShownRow[],
): Promise<ReadonlyMap<Row, string>> {
  const { redis, queue, prefix, readOnly } = context;
  const now = Date.now();
  const liveOf = await readLive(
    { redis, queue, prefix },
    rows.map(({ row }) => row),
  );
  return new Map(
    rows.map(({ row, isShown }) => [
      row,
      asSent(occurrenceRow(row, { now, liveOf, isShown, mayChange: !readOnly }), context),
    ]),
  );
}

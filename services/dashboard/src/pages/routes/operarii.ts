import { NO_FILTER } from '@openfero/core/history/filter';
import { query } from '@openfero/core/history/query';
import type { FastifyInstance } from 'fastify';
import { readHeldPlaces } from '../held-places.ts';
import { readLive } from '../live-state.ts';
import { operariiPage, operariusPage } from '../operarii.ts';
import { readOperarii } from '../published.ts';
import { NO_RUNS, runsOf } from '../runs.ts';
import { type Context, param, sendPage } from './context.ts';

/** Rows on the page of one operarius. */
const ROWS = 20;

/** Adds the pages about the operarii. */
export function serveOperarii(scope: FastifyInstance, context: Context): void {
  const { history, redis, queue, prefix } = context;

  scope.get('/operarii', async (_request, reply) => {
    const now = Date.now();
    const known = await readOperarii(redis, prefix, now);
    const page = operariiPage({ known, runs: runsOf(history.fold, now), now });
    return sendPage(context, reply, page);
  });

  scope.get('/operarii/:name', async (request, reply) => {
    const now = Date.now();
    const name = param(request, 'name');
    const operarii = await readOperarii(redis, prefix, now);
    const known = operarii.get(name);
    const runs = runsOf(history.fold, now).get(name);
    if (known === undefined && runs === undefined) reply.code(404);
    const filter = { ...NO_FILTER, operarii: [name], last: now };
    const options = { filter, after: undefined, limit: ROWS, now };
    const { rows } = query(history.fold.rows(), options);
    const [liveOf, places, allPlaces] = await Promise.all([
      readLive({ redis, queue, prefix }, rows),
      readHeldPlaces(redis, prefix, name),
      readHeldPlaces(redis, prefix, undefined),
    ]);
    const page = operariusPage({
      ...{ name, known, rows, liveOf, places, allPlaces, now },
      runs: runs ?? NO_RUNS,
      mayChange: !context.readOnly,
    });
    return sendPage(context, reply, page);
  });
}

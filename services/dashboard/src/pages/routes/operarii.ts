import { NO_FILTER } from '@openfero/core/history/filter';
import { query } from '@openfero/core/history/query';
import type { FastifyInstance } from 'fastify';
import type { MakeChange } from '../../changes.ts';
import { changeHooks } from '../../guard.ts';
import { readHeldPlaces } from '../held-places.ts';
import { Address, segment } from '../html.ts';
import { readLive } from '../live-state.ts';
import { operariiPage } from '../operarii.ts';
import { operariusPage } from '../operarius.ts';
import { readOperarii } from '../published.ts';
import { refusedPage } from '../rerun.ts';
import { badRunsOf, NO_RUNS, runsOf } from '../runs.ts';
import { type Context, param, sendPage, whyReadOnly } from './context.ts';

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
    const { rows } = query(history.fold, options);
    const [liveOf, places, allPlaces] = await Promise.all([
      readLive({ redis, queue, prefix }, rows),
      readHeldPlaces(redis, prefix, name),
      readHeldPlaces(redis, prefix, undefined),
    ]);
    const stopped = known?.stopped;
    const page = operariusPage({
      ...{ name, known, rows, liveOf, places, allPlaces, now },
      stopped: stopped && {
        ...{ name, stopped, now, readOnly: whyReadOnly(context) },
        badRuns: badRunsOf(history.fold, name, stopped),
        namespace: known?.published?.namespace,
      },
      stops: history.fold.changes.stops.filter(({ operarius }) => operarius === name),
      definitions: history.fold.changes.definitionsOf(name),
      runs: runs ?? NO_RUNS,
      mayChange: !context.readOnly,
    });
    return sendPage(context, reply, page);
  });
}

/** Adds the route by which a person has a stopped operarius run again. Only where that is allowed. */
export function serveRearm(scope: FastifyInstance, context: Context, makeChange: MakeChange): void {
  const onRequest = changeHooks(context.redis, context.open);
  scope.post('/operarii/:name/rearm', { onRequest }, async (request, reply) => {
    const name = param(request, 'name');
    const { code, body } = await makeChange('rearm', name, request);
    const path = Address.own(`/operarii/${segment(name)}`).text;
    if (code === 204) return reply.redirect(path, 303);
    return sendPage(context, reply.code(code), refusedPage(body?.error ?? ''));
  });
}

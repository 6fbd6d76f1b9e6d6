import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerUnavailable, createRedisHook } from '../availability.ts';
import type { MakeChange } from '../changes.ts';
import { BOARD } from '../routes.ts';
import { serveAssets } from './assets.ts';
import { serveApprovals } from './routes/approvals.ts';
import type { Context } from './routes/context.ts';
import { serveEvents } from './routes/events.ts';
import { serveList } from './routes/list.ts';
import { serveOperarii, serveRearm } from './routes/operarii.ts';
import { serveRetries } from './routes/retries.ts';
import { serveStories } from './routes/story.ts';

export interface PagesOptions extends Omit<Context, 'assets'> {
  readonly makeChange: MakeChange;
}

/** Adds all pages of our own. */
export function servePages(app: FastifyInstance, { makeChange, ...options }: PagesOptions): void {
  const assets = serveAssets(app);
  app.register((scope, _options, done) => {
    const context: Context = { ...options, assets };
    scope.addHook('onRequest', createRedisHook(options.redis));
    scope.addHook('onRequest', async (request, reply) => {
      const reason = options.history.problem();
      if (reason !== undefined) return answerUnavailable(request, reply, reason);
    });
    serveList(scope, context);
    serveStories(scope, context);
    serveOperarii(scope, context);
    serveEvents(scope, context);
    serveApprovals(scope, context, makeChange);
    if (!options.readOnly) {
      serveRetries(scope, context, makeChange);
      serveRearm(scope, context, makeChange);
    }
    // Where Bull Board was before: links to it live in tickets and chats.
    scope.get('/queue/remediations', toBoard);
    scope.get('/queue/remediations/:id', toBoard);
    done();
  });
}

const toBoard = async ({ url }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
  reply.redirect(`${BOARD}${url}`, 302);

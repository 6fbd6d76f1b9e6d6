import type { RedisConnection } from '@openfero/service/redis';
import type { Queue } from 'bullmq';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { History } from '../../history/history.ts';
import { type Assets, document, type Page } from '../layout.ts';
import { readStanding } from '../published.ts';

/** What the routes of the pages work on. */
export interface Context {
  readonly history: History;
  readonly redis: RedisConnection;
  readonly queue: Queue;
  readonly prefix: string;
  readonly readOnly: boolean;
  /** OPENFERO_DASHBOARD_APPROVAL. */
  readonly approval: boolean;
  /** There is no authentication. */
  readonly open: boolean;
  /** OPENFERO_JOB_URL. */
  readonly jobUrl: string | undefined;
  /** Empty if there is none. */
  readonly basePath: string;
  readonly assets: Assets;
}

/** Answers with a whole page. */
export async function sendPage(
  { history, redis, prefix, readOnly, open, assets }: Context,
  reply: FastifyReply,
  page: Page,
): Promise<FastifyReply> {
  const now = Date.now();
  const standing = await readStanding(redis, prefix, history.fold, now);
  reply.type('text/html; charset=utf-8');
  const why = whyReadOnly({ readOnly, open });
  return reply.send(document(page, { standing, assets, now, readOnly: why }));
}

/** Why nothing can be changed here, and how to change that; undefined where it can. */
export function whyReadOnly({
  readOnly,
  open,
}: Pick<Context, 'readOnly' | 'open'>): string | undefined {
  if (!readOnly) return undefined;
  return open
    ? 'Read-only, since nobody logs in: nothing can be retried here. To change that, set OPENFERO_AUTH to basic or bearer.'
    : 'Read-only, by OPENFERO_DASHBOARD_READ_ONLY: nothing can be retried here. To change that, set it to false.';
}

/** Why nobody can approve or deny here; undefined where they can. */
export function whyNoApproval(
  context: Pick<Context, 'readOnly' | 'open' | 'approval'>,
): string | undefined {
  if (context.approval) return whyReadOnly(context);
  return 'OPENFERO_DASHBOARD_APPROVAL is false: approve and deny with kubectl.';
}

/** The query of the URL, as it was sent. */
export function queryOf({ url }: FastifyRequest): URLSearchParams {
  const start = url.indexOf('?');
  return new URLSearchParams(start === -1 ? '' : url.slice(start + 1));
}

/** A part of the path by its name; empty where there is none. */
export function param({ params }: FastifyRequest, name: string): string {
  const values: Map<string, unknown> = new Map(Object.entries(params ?? {}));
  return String(values.get(name) ?? '');
}

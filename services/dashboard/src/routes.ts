/** Where Bull Board is. Its own routes begin here. */
export const BOARD = '/queue';

/** Bull Board's pages: one document for all, its script draws what the path says. */
const BOARD_PAGES = ['/', '/queue/:queueName', '/queue/:queueName/:jobId'];

/** Where a browser expects a document, also if it says why there is none. */
export const PAGES: ReadonlySet<string> = new Set([
  '/',
  '/occurrences/:fingerprint/:startsAt',
  '/remediations/:id',
  '/remediations/:id/rerun',
  '/operarii',
  '/operarii/:name',
  '/retry',
  '/approvals',
  BOARD,
  ...BOARD_PAGES.map((path) => `${BOARD}${path}`),
]);

/** Reading. Bull Board's other GETs are for what is not offered here: schedulers, metrics, adding. */
const READING: ReadonlySet<string> = new Set([
  ...BOARD_PAGES,
  '/static/*',
  '/api/redis/stats',
  '/api/queues',
  '/api/queues/:queueName/workers',
  '/api/queues/:queueName/rate-limit',
  '/api/queues/:queueName/default-job-options',
  '/api/queues/:queueName/:jobId',
  '/api/queues/:queueName/:jobId/logs',
]);

/** Bull Board's page requests it with every job, and shows an error without it. */
const FLOW = '/api/queues/:queueName/:jobId/flow';

/** The routes that change the queue, by Bull Board's pattern. changes.ts implements them. */
export const CHANGES = {
  '/api/queues/:queueName/:jobId/retry': 'retry',
  '/api/queues/:queueName/retry/:queueStatus': 'retry all',
  '/api/queues/:queueName/:jobId/clean': 'remove',
  '/api/queues/:queueName/clean/:queueStatus': 'clean',
} as const;

export type BoardChange = (typeof CHANGES)[keyof typeof CHANGES];

/** What a person may do: by a route of Bull Board, or by a page of ours. */
export type Change = BoardChange | 'rerun' | 'approve' | 'deny' | 'rearm';

/**
 * Decides what a route that Bull Board registers may do. A route that is not listed above is refused,
 * so also one that comes with a new version.
 */
export function accessTo(
  method: string | readonly string[],
  pattern: string,
  readOnly: boolean,
): 'read' | 'no flow' | BoardChange | 'refused' {
  const methods = typeof method === 'string' ? [method] : method;
  if (methods.every((each) => each === 'GET' || each === 'HEAD')) {
    if (pattern === FLOW) return 'no flow';
    return READING.has(pattern) ? 'read' : 'refused';
  }
  if (readOnly || methods.join() !== 'PUT') return 'refused';
  const change = Object.entries(CHANGES).find(([listed]) => listed === pattern);
  return change?.[1] ?? 'refused';
}

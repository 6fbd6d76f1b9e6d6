import { isObject } from '@openfero/core/kubernetes';
import { ClusterError } from '../../cluster.ts';

/** Characters of a server's message: a 422 can name every field of a Job. */
const MAX_MESSAGE = 1000;

/** Headers as undici gives them. */
type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * The error that an answer tells of: the server's own Status where it sent one. Another body, such as
 * the page of a proxy, is left out.
 *
 * @param body text of the answer
 */
export function errorOf(status: number, headers: Headers, body: string): ClusterError {
  const { reason, message } = statusOf(body);
  const retryAfter = retryAfterOf(headers['retry-after'], Date.now());
  const said = message === '' ? 'the answer is no Status of Kubernetes' : message;
  return new ClusterError(`${status} ${reason}: ${cut(said)}`.trim(), {
    status,
    reason,
    ...(retryAfter !== undefined && { retryAfter }),
  });
}

/** The error in a `Status` that came in an event of a watch. */
export function errorOfEvent(object: unknown): ClusterError {
  const code = isObject(object) ? object['code'] : undefined;
  return errorOf(typeof code === 'number' ? code : 500, {}, JSON.stringify(object) ?? '');
}

function statusOf(body: string): { readonly reason: string; readonly message: string } {
  const status = parseOrNull(body);
  if (!isObject(status) || status['kind'] !== 'Status') return { reason: 'Unknown', message: '' };
  const { reason, message } = status;
  return {
    reason: typeof reason === 'string' && reason !== '' ? reason : 'Unknown',
    message: typeof message === 'string' ? message : '',
  };
}

function parseOrNull(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function cut(message: string): string {
  if (message.length <= MAX_MESSAGE) return message;
  return `${message.slice(0, MAX_MESSAGE).toWellFormed()}...`;
}

/**
 * Milliseconds from `Retry-After`, seconds or a date; undefined where it is neither.
 *
 * @param now milliseconds since 1970
 */
export function retryAfterOf(
  header: string | string[] | undefined,
  now: number,
): number | undefined {
  const [value = ''] = [header ?? ''].flat();
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** RFC 7234, 5.5: code, agent, text in quotes; a comma may join several. */
const WARNING = /\d{3} [^\s"]+ "((?:[^"\\]|\\.)*)"/g;

/** The texts of all Warning headers of an answer. */
export function warningsOf(headers: Headers): string[] {
  return [headers['warning'] ?? []].flat().flatMap((header) =>
    [...header.matchAll(WARNING)].map(([, text = '']) =>
      // Headers are read byte by byte, and what was written is UTF-8.
      Buffer.from(text.replace(/\\(.)/g, '$1'), 'latin1').toString(),
    ),
  );
}

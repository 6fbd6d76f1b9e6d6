import { codeOf, messageOf } from '@openfero/core/errors';
import { isObject } from '@openfero/core/kubernetes';
import { ClusterError } from '../../cluster.ts';
import { parseJson, stringAt } from '../../json.ts';
import { type Headers, retryAfterOf } from './headers.ts';
import { RequestTimeout } from './send-request.ts';

/** Characters of a server's message: a 422 may list every field of a Job. */
const MAX_MESSAGE = 1000;

/**
 * The error of a response: the server's own Status if it sent one. Any other body, such as the page
 * of a proxy, is not part of the error.
 *
 * @param body text of the response
 */
export function errorOfResponse(status: number, headers: Headers, body: string): ClusterError {
  const { reason, message } = statusOf(body);
  const retryAfter = retryAfterOf(headers['retry-after'], Date.now());
  return new ClusterError(`${status} ${reason}: ${truncate(message)}`.trim(), {
    status,
    reason,
    ...(retryAfter !== undefined && { retryAfter }),
  });
}

/** The error in a `Status` that a watch sent as an event. */
export function errorOfEvent(object: unknown): ClusterError {
  const code = isObject(object) ? object['code'] : undefined;
  return errorOfResponse(typeof code === 'number' ? code : 500, {}, JSON.stringify(object) ?? '');
}

function statusOf(body: string): { readonly reason: string; readonly message: string } {
  const status = parseJson(body);
  const isStatus = stringAt(status, 'kind') === 'Status';
  return {
    reason: (isStatus && stringAt(status, 'reason')) || 'Unknown',
    message:
      (isStatus && stringAt(status, 'message')) ||
      'the response is not a Kubernetes Status, it may come from a proxy',
  };
}

function truncate(message: string): string {
  if (message.length <= MAX_MESSAGE) return message;
  return `${message.slice(0, MAX_MESSAGE).toWellFormed()}...`;
}

/** The error of a request, or of a body, that failed in the network or timed out. */
export function errorWithoutResponse(error: unknown, server: string): ClusterError {
  if (error instanceof ClusterError) return error;
  const reason = isTimeout(error) ? 'Timeout' : networkCodeOf(error);
  const message = isTimeout(error) ? 'request timed out' : textOf(error);
  return new ClusterError(`${server}: ${message}`, { reason, cause: error });
}

/** A time limit of ours, of undici or of the operating system. */
export function isTimeout(error: unknown): boolean {
  const codes = ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT'];
  return error instanceof RequestTimeout || codes.includes(networkCodeOf(error));
}

function networkCodeOf(error: unknown): string {
  const code = codeOf(error);
  return typeof code === 'string' ? code : 'Unreachable';
}

/** Where several addresses refuse the connection, the error has no message of its own. */
function textOf(error: unknown): string {
  const message = messageOf(error);
  return message === '' ? networkCodeOf(error) : message;
}

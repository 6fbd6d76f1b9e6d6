import type { Dispatcher } from 'undici';
import type { Headers } from './headers.ts';

export interface Response {
  readonly status: number;
  readonly headers: Headers;
  /** Empty where a success was requested without its body. */
  readonly body: string;
}

export interface Request extends Dispatcher.DispatchOptions {
  /** Milliseconds for all of it, including the wait for a connection. */
  readonly limit: number;
  /** A success is complete with its status, whatever happens to its body. */
  readonly ignoreBody: boolean;
}

/** The response was not complete within the limit. */
export class RequestTimeout extends Error {}

/**
 * Sends one request and reads its response, with undici's dispatch(): its request() makes a stream
 * of every response and takes an AbortSignal that cannot be cleared, which costs a tenth of the
 * worker's CPU time.
 *
 * @throws {RequestTimeout} and undici's errors
 */
export function sendRequest(
  dispatcher: Dispatcher,
  { limit, ignoreBody, ...options }: Request,
): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const chunks: Buffer[] = [];
  let head: Pick<Response, 'status' | 'headers'> | undefined;
  let readsBody = true;
  let abort = (_reason: Error): void => undefined;
  let timeout: RequestTimeout | undefined;
  const timer = setTimeout(() => {
    timeout = new RequestTimeout('request timed out');
    abort(timeout);
    reject(timeout);
  }, limit);
  const complete = (body: string): void => {
    if (head === undefined) return;
    clearTimeout(timer);
    resolve({ ...head, body });
  };
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(controller) {
      abort = (reason) => controller.abort(reason);
      // The limit passed while the request waited for a connection.
      if (timeout !== undefined) abort(timeout);
    },
    onResponseStart(_controller, status, headers) {
      if (status < 200) return;
      head = { status, headers };
      readsBody = !ignoreBody || status >= 300;
      if (!readsBody) complete('');
    },
    onResponseData(_controller, chunk) {
      if (readsBody) chunks.push(chunk);
    },
    onResponseEnd() {
      if (readsBody) complete(Buffer.concat(chunks).toString());
    },
    onResponseError(_controller, error) {
      clearTimeout(timer);
      reject(error);
    },
  };
  try {
    dispatcher.dispatch(options, handler);
  } catch (error) {
    clearTimeout(timer);
    reject(error);
  }
  return promise;
}

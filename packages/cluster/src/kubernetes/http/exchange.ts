import type { Dispatcher } from 'undici';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Empty where a success was asked for its status only. */
  readonly body: string;
}

export interface Demand extends Dispatcher.DispatchOptions {
  /** Milliseconds for all of it, the wait for a connection included. */
  readonly limit: number;
  /** A success is one by its status, whatever becomes of the rest. */
  readonly bodyless: boolean;
}

/** Nothing, or not all, came within the limit. */
export class TooLate extends Error {}

/**
 * One request and its answer, by undici's own dispatch: its request() makes a stream of every answer
 * and takes an AbortSignal that cannot be cleared, a tenth of all that a worker does.
 *
 * @throws {TooLate} and undici's errors
 */
export function exchange(
  dispatcher: Dispatcher,
  { limit, bodyless, ...request }: Demand,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const chunks: Buffer[] = [];
  let head: Pick<Answer, 'status' | 'headers'> | undefined;
  let hasBody = true;
  let abort = (_reason: Error): void => undefined;
  let late: TooLate | undefined;
  const timer = setTimeout(() => {
    late = new TooLate('no answer in time');
    abort(late);
    reject(late);
  }, limit);
  const answered = (body: string): void => {
    if (head === undefined) return;
    clearTimeout(timer);
    resolve({ ...head, body });
  };
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(controller) {
      abort = (reason) => controller.abort(reason);
      // It waited for a connection until then.
      if (late !== undefined) abort(late);
    },
    onResponseStart(_controller, status, headers) {
      if (status < 200) return;
      head = { status, headers };
      hasBody = !bodyless || status >= 300;
      if (!hasBody) answered('');
    },
    onResponseData(_controller, chunk) {
      if (hasBody) chunks.push(chunk);
    },
    onResponseEnd() {
      if (hasBody) answered(Buffer.concat(chunks).toString());
    },
    onResponseError(_controller, error) {
      clearTimeout(timer);
      reject(error);
    },
  };
  try {
    dispatcher.dispatch(request, handler);
  } catch (error) {
    clearTimeout(timer);
    reject(error);
  }
  return promise;
}

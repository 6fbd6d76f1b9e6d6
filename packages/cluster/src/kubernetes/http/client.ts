import { ClusterError } from '../../cluster.ts';
import type { Access } from '../access/access.ts';
import type { CredentialSource, Credentials } from '../access/credentials.ts';
import type { Timing } from '../timing.ts';
import { type Deadline, withDeadline } from '../waiting.ts';
import { createConnections } from './connections.ts';
import { errorOfResponse, errorWithoutResponse, isTimeout } from './errors.ts';
import { type Request, type Response, sendRequest } from './send-request.ts';
import { httpRequestOf, type Target, type Verb } from './target.ts';

/** Called after every request: `code` is the HTTP status, or `error` where no response came. */
export type OnRequest = (verb: Verb, code: string, seconds: number) => void;

export interface ClientOptions {
  readonly access: Access;
  /** The most connections at a time. */
  readonly connections: number;
  readonly timing: Timing;
  readonly userAgent: string;
  readonly onRequest: OnRequest;
}

/** See {@link Request}; the limit includes the retry after a 401. */
export interface Call extends Target, Pick<Request, 'limit' | 'ignoreBody'> {
  readonly body?: string;
}

/** Sends requests with credentials to one API server. Returns successes only. @throws {ClusterError} */
export interface Client {
  call(call: Call): Promise<Response>;
  /** @returns the bytes of a watch; they end by `signal` or by silence */
  watch(target: Target, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** Aborts every request. */
  close(): Promise<void>;
}

interface Stream extends Response {
  readonly bytes: AsyncIterable<Uint8Array>;
}

export function createClient(options: ClientOptions, source: CredentialSource): Client {
  const { access, timing, onRequest } = options;
  const { origin, pathname } = new URL(access.server);
  const connections = createConnections(origin, options.connections, timing);
  const asker = { prefix: pathname.replace(/\/$/, ''), userAgent: options.userAgent };

  /** Counts a request, and has the next ones read credentials again where no response came. */
  const observe = async <T extends Response>(verb: Verb, request: Promise<T>): Promise<T> => {
    const since = performance.now();
    const seconds = (): number => (performance.now() - since) / 1000;
    try {
      const response = await request;
      onRequest(verb, String(response.status), seconds());
      return response;
    } catch (error) {
      onRequest(verb, 'error', seconds());
      source.expire();
      if (isTimeout(error)) connections.renew();
      throw errorWithoutResponse(error, access.server);
    }
  };
  /** Retries a 401 once with credentials that are read again: a token may just have been replaced. */
  const authenticate = async <T extends Response>(
    send: (credentials: Credentials) => Promise<T>,
    deadline: () => Deadline,
  ): Promise<T> => {
    const credentials = await readInTime(source, deadline());
    let response = await send(credentials);
    if (response.status === 401) {
      source.discard(credentials);
      response = await send(await readInTime(source, deadline()));
    }
    if (response.status < 300) return response;
    throw errorOfResponse(response.status, response.headers, response.body);
  };
  return {
    async call(call) {
      const { verb, body, limit, ignoreBody } = call;
      const until = performance.now() + limit;
      const left = (): number => until - performance.now();
      return authenticate(
        (credentials) => {
          const http = httpRequestOf(call, asker, credentials);
          const request = {
            ...http,
            ...(body !== undefined && { body }),
            limit: left(),
            ignoreBody,
          };
          return observe(verb, sendRequest(connections.poolFor(credentials.tls), request));
        },
        () => ({ limit: left() }),
      );
    },
    async watch(target, signal) {
      const open = async (credentials: Credentials): Promise<Stream> => {
        const http = httpRequestOf(target, asker, credentials);
        const request = { ...http, signal, bodyTimeout: timing.silence };
        const response = await connections.poolFor(credentials.tls).request(request);
        const { statusCode: status, headers, body: bytes } = response;
        return { status, headers, body: status < 300 ? '' : await bytes.text(), bytes };
      };
      const { bytes } = await authenticate(
        (credentials) => observe(target.verb, open(credentials)),
        () => ({ limit: timing.call, signal }),
      );
      return bytes;
    },
    close: () => connections.close(),
  };
}

/** An exec plugin may take for ever. */
async function readInTime(source: CredentialSource, deadline: Deadline): Promise<Credentials> {
  const current = source.current();
  if (current !== undefined) return current;
  const timeout = (): ClusterError =>
    new ClusterError(`timed out waiting for ${source.description}`, { reason: 'NoCredentials' });
  return withDeadline(source.read(), deadline, timeout);
}

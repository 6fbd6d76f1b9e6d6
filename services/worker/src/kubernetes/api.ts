import type { Logger } from '@openfero/service/log';
import type { Dispatcher } from 'undici';
import { ClusterError } from '../cluster.ts';
import type { Access } from './access.ts';
import { errorOf, warningsOf } from './answers.ts';
import { connections } from './connections.ts';
import { type Credentials, openCredentials, type Presented } from './credentials.ts';
import type { Timing } from './timing.ts';

export type Verb = 'create' | 'patch' | 'get' | 'list' | 'watch';

/** Is told of every request: `code` is the status, or `error` where none came. */
export type OnRequest = (verb: Verb, code: string) => void;

export type Query = Readonly<Record<string, string>>;

/** All calls to one API server. Every error is a ClusterError without headers or bodies. */
export interface Api {
  /** @returns the server's warnings */
  create(path: string, query: Query, object: unknown): Promise<readonly string[]>;
  /** @param patch JSON merge patch */
  patch(path: string, query: Query, patch: unknown): Promise<readonly string[]>;
  /** @returns the object or list, parsed */
  read(verb: 'get' | 'list', path: string, query?: Query): Promise<unknown>;
  /** @returns the bytes of a watch that the server has accepted; ends by `signal` or by silence */
  watch(path: string, query: Query, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** @throws {ClusterError} unless the server answers that it is well, or that we may not ask */
  ping(): Promise<void>;
  /** What the first credentials hold. */
  readonly token: string | undefined;
  /** Breaks every call that is under way. */
  close(): Promise<void>;
}

export interface ApiOptions {
  readonly access: Access;
  /** Connections at most. */
  readonly connections: number;
  readonly timing: Timing;
  readonly onRequest: OnRequest;
}

/** What was written is thrown away: its metadata is the least that the server can send. */
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';

const USER_AGENT = { 'user-agent': 'openfero-worker' };
const READING = { method: 'GET', headers: { ...USER_AGENT, accept: 'application/json' } } as const;
const WRITING = { ...USER_AGENT, accept: METADATA };
const METHODS = {
  get: READING,
  list: READING,
  watch: READING,
  create: { method: 'POST', headers: { ...WRITING, 'content-type': 'application/json' } },
  patch: {
    method: 'PATCH',
    headers: { ...WRITING, 'content-type': 'application/merge-patch+json' },
  },
} as const;

/** Bytes of an answer that are read to keep its connection. */
const MAX_DISCARDED = 1024 * 1024;

/**
 * @throws {InvalidSetting} where the credentials cannot be read
 */
export async function openApi(options: ApiOptions, log: Logger): Promise<Api> {
  const { access, timing } = options;
  const credentials = await openCredentials(access, log, timing);
  const send = sender(options, credentials);
  const { token } = await credentials.present();
  const write = async (call: Call, object: unknown): Promise<readonly string[]> => {
    const signal = AbortSignal.timeout(timing.call);
    const answer = await send({ ...call, body: JSON.stringify(object), signal });
    // The status alone says that it is written, whatever becomes of the rest.
    void answer.body.dump({ limit: MAX_DISCARDED }).catch(() => undefined);
    return warningsOf(answer.headers);
  };
  return {
    token,
    create: (path, query, object) => write({ verb: 'create', path, query }, object),
    patch: (path, query, patch) => write({ verb: 'patch', path, query }, patch),
    async read(verb, path, query = {}) {
      const signal = AbortSignal.timeout(verb === 'list' ? timing.list : timing.call);
      const answer = await send({ verb, path, query, signal });
      return answer.body.json().catch((error: unknown) => {
        throw noAnswer(error, access.server);
      });
    },
    async watch(path, query, signal) {
      return (await send({ verb: 'watch', path, query, signal })).body;
    },
    async ping() {
      const signal = AbortSignal.timeout(timing.call);
      try {
        const answer = await send({ verb: 'get', path: '/readyz', query: {}, signal });
        await answer.body.dump();
      } catch (error) {
        if (error instanceof ClusterError && (error.status ?? 500) < 500) return;
        throw error;
      }
    },
    close: () => send.close(),
  };
}

interface Call {
  readonly verb: Verb;
  readonly path: string;
  readonly query: Query;
}

interface Request extends Call {
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** Sends a request; only an answer that is a success comes back. @throws {ClusterError} */
interface Send {
  (request: Request): Promise<Dispatcher.ResponseData>;
  close(): Promise<void>;
}

function sender(options: ApiOptions, credentials: Credentials): Send {
  const { access, timing, onRequest } = options;
  const { origin, pathname } = new URL(access.server);
  const pools = connections(origin, options.connections, timing);
  const prefix = pathname.replace(/\/$/, '');

  const once = async (request: Request, presented: Presented): Promise<Dispatcher.ResponseData> => {
    const { verb, path, query, body, signal } = request;
    try {
      const answer = await pools.of(presented.tls).request({
        path: prefix + path,
        query,
        signal,
        method: METHODS[verb].method,
        headers: { ...METHODS[verb].headers, ...presented.headers },
        ...(body !== undefined && { body }),
        ...(verb === 'watch' && { bodyTimeout: timing.silence }),
      });
      onRequest(verb, String(answer.statusCode));
      return answer;
    } catch (error) {
      onRequest(verb, 'error');
      credentials.doubt();
      if (isTimeout(error)) pools.renew();
      throw noAnswer(error, access.server);
    }
  };
  const send = async (request: Request): Promise<Dispatcher.ResponseData> => {
    const presented = await awaitCredentials(credentials, timing.call, request.signal);
    const answer = await once(request, presented);
    if (answer.statusCode !== 401) return successful(answer, access.server);
    // A token that has just been replaced: read it again and try once more.
    void answer.body.dump().catch(() => undefined);
    credentials.refused(presented);
    const again = await awaitCredentials(credentials, timing.call, request.signal);
    return successful(await once(request, again), access.server);
  };
  return Object.assign(send, { close: () => pools.close() });
}

async function successful(
  answer: Dispatcher.ResponseData,
  server: string,
): Promise<Dispatcher.ResponseData> {
  if (answer.statusCode < 300) return answer;
  const body = await answer.body.text().catch((error: unknown) => {
    throw noAnswer(error, server);
  });
  throw errorOf(answer.statusCode, answer.headers, body);
}

/** They have the limit of a call, for a watch too: a plugin may take for ever. */
async function awaitCredentials(
  credentials: Credentials,
  limit: number,
  signal: AbortSignal,
): Promise<Presented> {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = (): void =>
    reject(
      new ClusterError(`waited in vain for ${credentials.source}`, { reason: 'NoCredentials' }),
    );
  const timer = setTimeout(late, limit);
  signal.addEventListener('abort', late, { once: true });
  try {
    return await Promise.race([credentials.present(), promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', late);
  }
}

/** The error of a call, or of a body, that the network or a time limit ended. */
function noAnswer(error: unknown, server: string): ClusterError {
  if (error instanceof ClusterError) return error;
  const reason = isTimeout(error) ? 'Timeout' : codeOf(error);
  const message = isTimeout(error) ? 'no answer in time' : messageOf(error);
  return new ClusterError(`${server}: ${message}`, { reason, cause: error });
}

/** Our own limit, that of undici, or of the system. */
function isTimeout(error: unknown): boolean {
  const codes = ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT'];
  return error instanceof Error && (error.name === 'TimeoutError' || codes.includes(codeOf(error)));
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'Unreachable';
}

/** A refusal by several addresses at once has no message of its own. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message === '' ? codeOf(error) : message;
}

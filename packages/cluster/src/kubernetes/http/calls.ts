import { codeOf, messageOf } from '@openfero/core/errors';
import { ClusterError } from '../../cluster.ts';
import type { Access } from '../access/access.ts';
import type { Credentials, Presented } from '../access/credentials.ts';
import { errorOf } from './answers.ts';
import { connections } from './connections.ts';
import { type Answer, type Demand, exchange, TooLate } from './exchange.ts';
import type { Timing } from './timing.ts';

export type Verb = 'create' | 'patch' | 'get' | 'list' | 'watch';

/** Is told of every request: `code` is the status, or `error` where none came. */
export type OnRequest = (verb: Verb, code: string) => void;

export type Query = Readonly<Record<string, string>>;

export interface ServerOptions {
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

export interface Target {
  readonly verb: Verb;
  readonly path: string;
  readonly query: Query;
}

/** See {@link Demand}; the limit is for a second try, too. */
export interface Call extends Target, Pick<Demand, 'limit' | 'bodyless'> {
  readonly body?: string;
}

/** One API server, asked with credentials. Only a success comes back. @throws {ClusterError} */
export interface Server {
  call(call: Call): Promise<Answer>;
  /** Its bytes; ends by `signal` or by silence. */
  watch(target: Target, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** Breaks every call that is under way. */
  close(): Promise<void>;
}

interface Stream extends Answer {
  readonly bytes: AsyncIterable<Uint8Array>;
}

export function serverOf(options: ServerOptions, credentials: Credentials): Server {
  const { access, timing, onRequest } = options;
  const { origin, pathname } = new URL(access.server);
  const pools = connections(origin, options.connections, timing);
  const prefix = pathname.replace(/\/$/, '');

  const requestOf = ({ verb, path, query }: Target, presented: Presented) => ({
    path: prefix + path,
    query,
    method: METHODS[verb].method,
    headers: { ...METHODS[verb].headers, ...presented.headers },
  });
  /** Counts the answer of a request, and doubts what may be the reason where none came. */
  const once = async <T extends Answer>(verb: Verb, request: Promise<T>): Promise<T> => {
    try {
      const answer = await request;
      onRequest(verb, String(answer.status));
      return answer;
    } catch (error) {
      onRequest(verb, 'error');
      credentials.doubt();
      if (isTimeout(error)) pools.renew();
      throw noAnswer(error, access.server);
    }
  };
  /** A token that has just been replaced is refused: it is read again, and used once more. */
  const successful = async <T extends Answer>(
    ask: (presented: Presented) => Promise<T>,
    wait: () => Wait,
  ): Promise<T> => {
    const presented = await present(credentials, wait());
    let answer = await ask(presented);
    if (answer.status === 401) {
      credentials.refused(presented);
      answer = await ask(await present(credentials, wait()));
    }
    if (answer.status < 300) return answer;
    throw errorOf(answer.status, answer.headers, answer.body);
  };
  return {
    async call(call) {
      const { verb, body, limit, bodyless } = call;
      const until = performance.now() + limit;
      const left = (): number => until - performance.now();
      return successful(
        (presented) => {
          const request = { ...requestOf(call, presented), ...(body !== undefined && { body }) };
          const demand = { ...request, limit: left(), bodyless };
          return once(verb, exchange(pools.of(presented.tls), demand));
        },
        () => ({ limit: left() }),
      );
    },
    async watch(target, signal) {
      const open = async (presented: Presented): Promise<Stream> => {
        const request = { ...requestOf(target, presented), signal, bodyTimeout: timing.silence };
        const answer = await pools.of(presented.tls).request(request);
        const { statusCode: status, headers, body: bytes } = answer;
        return { status, headers, body: status < 300 ? '' : await bytes.text(), bytes };
      };
      const { bytes } = await successful(
        (presented) => once(target.verb, open(presented)),
        () => ({ limit: timing.call, signal }),
      );
      return bytes;
    },
    close: () => pools.close(),
  };
}

interface Wait {
  /** Milliseconds. */
  readonly limit: number;
  readonly signal?: AbortSignal;
}

/** Not for ever, as a plugin may take. */
async function present(credentials: Credentials, { limit, signal }: Wait): Promise<Presented> {
  const current = credentials.current();
  if (current !== undefined) return current;
  const { promise, reject } = Promise.withResolvers<never>();
  const late = (): void => {
    const message = `waited in vain for ${credentials.source}`;
    reject(new ClusterError(message, { reason: 'NoCredentials' }));
  };
  const timer = setTimeout(late, limit);
  signal?.addEventListener('abort', late, { once: true });
  try {
    return await Promise.race([credentials.present(), promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', late);
  }
}

/** The error of a call, or of a body, that the network or a time limit ended. */
export function noAnswer(error: unknown, server: string): ClusterError {
  if (error instanceof ClusterError) return error;
  const reason = isTimeout(error) ? 'Timeout' : reasonOf(error);
  const message = isTimeout(error) ? 'no answer in time' : textOf(error);
  return new ClusterError(`${server}: ${message}`, { reason, cause: error });
}

/** Our own limit, that of undici, or of the system. */
function isTimeout(error: unknown): boolean {
  const codes = ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT'];
  return error instanceof TooLate || codes.includes(reasonOf(error));
}

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  return typeof code === 'string' ? code : 'Unreachable';
}

/** A refusal by several addresses at once has no message of its own. */
function textOf(error: unknown): string {
  const message = messageOf(error);
  return message === '' ? reasonOf(error) : message;
}

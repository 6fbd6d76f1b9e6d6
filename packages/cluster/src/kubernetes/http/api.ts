import type { Logger } from '@openfero/service/log';
import { ClusterError } from '../../cluster.ts';
import { openCredentials } from '../access/credentials.ts';
import { warningsOf } from './answers.ts';
import { noAnswer, type Query, type ServerOptions, serverOf, type Target } from './calls.ts';

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

/**
 * @throws {InvalidSetting} where the credentials cannot be read
 */
export async function openApi(options: ServerOptions, log: Logger): Promise<Api> {
  const { access, timing } = options;
  const credentials = await openCredentials(access, log, timing);
  const server = serverOf(options, credentials);
  const { token } = await credentials.present();
  const write = async (call: Target, object: unknown): Promise<readonly string[]> => {
    const body = JSON.stringify(object);
    const answer = await server.call({ ...call, body, limit: timing.call, bodyless: true });
    return warningsOf(answer.headers);
  };
  return {
    token,
    create: (path, query, object) => write({ verb: 'create', path, query }, object),
    patch: (path, query, patch) => write({ verb: 'patch', path, query }, patch),
    async read(verb, path, query = {}) {
      const limit = verb === 'list' ? timing.list : timing.call;
      const answer = await server.call({ verb, path, query, limit, bodyless: false });
      return parsed(answer.body, access.server);
    },
    watch: (path, query, signal) => server.watch({ verb: 'watch', path, query }, signal),
    async ping() {
      const readyz = { verb: 'get', path: '/readyz', query: {} } as const;
      try {
        await server.call({ ...readyz, limit: timing.call, bodyless: false });
      } catch (error) {
        if (error instanceof ClusterError && (error.status ?? 500) < 500) return;
        throw error;
      }
    },
    close: server.close,
  };
}

function parsed(body: string, server: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw noAnswer(error, server);
  }
}

import type { Logger } from '@openfero/service/log';
import { ClusterError } from '../../cluster.ts';
import { createCredentialSource } from '../access/credentials.ts';
import { type ClientOptions, createClient } from './client.ts';
import { errorWithoutResponse } from './errors.ts';
import { warningsOf } from './headers.ts';

import type { Query, Target } from './target.ts';

/** All calls to one API server. Every error is a ClusterError without headers or bodies. */
export interface Api {
  /** @returns the server's warnings */
  create(path: string, query: Query, object: unknown): Promise<readonly string[]>;
  /** A create that stores nothing. @returns the object as the server would store it, and its warnings */
  dryRun(path: string, query: Query, object: unknown): Promise<DryRun>;
  /** @param patch JSON merge patch */
  patch(path: string, query: Query, patch: unknown): Promise<readonly string[]>;
  /** @param options DeleteOptions */
  remove(path: string, options: unknown): Promise<void>;
  /** @returns the object or list, parsed */
  read(verb: 'get' | 'list', path: string, query?: Query): Promise<unknown>;
  /** @returns a list whose items have metadata only, parsed */
  listMetadata(path: string, query: Query): Promise<unknown>;
  /** @returns the bytes of a watch that the server has accepted; they end by `signal` or by silence */
  watch(path: string, query: Query, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** @throws {ClusterError} unless the server responds that it is ready, or refuses to tell us */
  ping(): Promise<void>;
  /** The token that was read first. */
  readonly token: string | undefined;
  /** Aborts every call. */
  close(): Promise<void>;
}

/** What a server would store. */
export interface DryRun {
  readonly object: unknown;
  readonly warnings: readonly string[];
}

/**
 * Reads the credentials, and connects with the first call.
 *
 * @throws {InvalidSetting} where the credentials cannot be read
 */
export async function createApi(options: ClientOptions, log: Logger): Promise<Api> {
  const { access, timing } = options;
  const credentials = await createCredentialSource(access, log, timing);
  const client = createClient(options, credentials);
  const { token } = await credentials.read();
  const write = async (target: Target, object: unknown): Promise<readonly string[]> => {
    const body = JSON.stringify(object);
    const call = { ...target, body, limit: timing.call, ignoreBody: true };
    return warningsOf((await client.call(call)).headers);
  };
  const read = async (target: Target): Promise<unknown> => {
    const limit = target.verb === 'list' ? timing.list : timing.call;
    const { body } = await client.call({ ...target, limit, ignoreBody: false });
    return parseBody(body, access.server);
  };
  return {
    token,
    create: (path, query, object) => write({ verb: 'create', path, query }, object),
    async dryRun(path, query, object) {
      const target = { verb: 'create', path, query: { ...query, dryRun: 'All' } } as const;
      const call = { body: JSON.stringify(object), limit: timing.call, ignoreBody: false };
      const { body, headers } = await client.call({ ...target, ...call, wholeObject: true });
      return { object: parseBody(body, access.server), warnings: warningsOf(headers) };
    },
    patch: (path, query, patch) => write({ verb: 'patch', path, query }, patch),
    remove: async (path, options) => {
      await write({ verb: 'delete', path, query: {} }, options);
    },
    read: (verb, path, query = {}) => read({ verb, path, query }),
    listMetadata: (path, query) => read({ verb: 'list', path, query, metadataOnly: true }),
    watch: (path, query, signal) => client.watch({ verb: 'watch', path, query }, signal),
    async ping() {
      const readyz = { verb: 'get', path: '/readyz', query: {} } as const;
      try {
        await client.call({ ...readyz, limit: timing.call, ignoreBody: false });
      } catch (error) {
        if (error instanceof ClusterError && (error.status ?? 500) < 500) return;
        throw error;
      }
    },
    close: client.close,
  };
}

function parseBody(body: string, server: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw errorWithoutResponse(error, server);
  }
}

import type { Credentials } from '../access/credentials.ts';

export type Verb = 'create' | 'patch' | 'get' | 'list' | 'watch';

/** Query parameters. */
export type Query = Readonly<Record<string, string>>;

/** What is done to which resource. */
export interface Target {
  readonly verb: Verb;
  readonly path: string;
  readonly query: Query;
  /** Of a list: leave the rest of each item out. */
  readonly metadataOnly?: boolean;
}

/** The response to a write is not read: its metadata is the least that the server can send. */
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';

const METADATA_LIST =
  'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

const USER_AGENT = { 'user-agent': 'openfero-worker' };
const READ = { method: 'GET', headers: { ...USER_AGENT, accept: 'application/json' } } as const;
const WRITE_HEADERS = { ...USER_AGENT, accept: METADATA };
const METHODS = {
  get: READ,
  list: READ,
  watch: READ,
  create: { method: 'POST', headers: { ...WRITE_HEADERS, 'content-type': 'application/json' } },
  patch: {
    method: 'PATCH',
    headers: { ...WRITE_HEADERS, 'content-type': 'application/merge-patch+json' },
  },
} as const;

/**
 * The HTTP request for a target, for undici.
 *
 * @param prefix path of the API server
 */
export function httpRequestOf(
  { verb, path, query, metadataOnly = false }: Target,
  prefix: string,
  { headers }: Credentials,
) {
  return {
    path: prefix + path,
    query,
    method: METHODS[verb].method,
    headers: {
      ...METHODS[verb].headers,
      ...(metadataOnly && { accept: METADATA_LIST }),
      ...headers,
    },
  };
}

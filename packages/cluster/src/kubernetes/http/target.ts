import type { Credentials } from '../access/credentials.ts';

export type Verb = 'create' | 'patch' | 'delete' | 'get' | 'list' | 'watch';

/** Query parameters. */
export type Query = Readonly<Record<string, string>>;

/** What is done to which resource. */
export interface Target {
  readonly verb: Verb;
  readonly path: string;
  readonly query: Query;
  /** Of a list: leave the rest of each item out. */
  readonly metadataOnly?: boolean;
  /** Of a create: the whole object in the response. */
  readonly wholeObject?: boolean;
}

/** The response to a write is not read: its metadata is the least that the server can send. */
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';

const METADATA_LIST =
  'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

const READ = { method: 'GET', headers: { accept: 'application/json' } } as const;
const WRITE_HEADERS = { accept: METADATA };
const METHODS = {
  get: READ,
  list: READ,
  watch: READ,
  create: { method: 'POST', headers: { ...WRITE_HEADERS, 'content-type': 'application/json' } },
  delete: { method: 'DELETE', headers: { ...WRITE_HEADERS, 'content-type': 'application/json' } },
  patch: {
    method: 'PATCH',
    headers: { ...WRITE_HEADERS, 'content-type': 'application/merge-patch+json' },
  },
} as const;

/** Where an API server is, and who asks it. */
export interface Asker {
  /** The path of the API server. */
  readonly prefix: string;
  /** What its audit log and its metrics name. */
  readonly userAgent: string;
}

/** The HTTP request for a target, for undici. */
export function httpRequestOf(
  { verb, path, query, metadataOnly = false, wholeObject = false }: Target,
  { prefix, userAgent }: Asker,
  { headers }: Credentials,
) {
  return {
    path: prefix + path,
    query,
    method: METHODS[verb].method,
    headers: {
      'user-agent': userAgent,
      ...METHODS[verb].headers,
      ...(metadataOnly && { accept: METADATA_LIST }),
      ...(wholeObject && { accept: 'application/json' }),
      ...headers,
    },
  };
}

import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';

const TIMEOUT_MS = 30_000;

export interface Answer {
  readonly status: number;
  /** The Warning headers. */
  readonly warnings: readonly string[];
  /** Parsed if the content type is JSON, otherwise the text. Read it with `at`. */
  readonly body: unknown;
}

export type Request = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>;

interface Client {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Keeps connections open: a new TLS connection costs more than most requests of a test. */
export function requester(url: string, client: Client): Request {
  const agent = new Agent({ keepAlive: true, ...client });
  return async (method, path, body, headers = {}) => {
    const sent = httpsRequest(new URL(path, url), {
      method,
      agent,
      headers: { 'content-type': contentType(method, body), ...headers },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve).once('error', reject);
    });
    sent.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
    return read(await answered);
  };
}

/** The value at a path of a parsed answer; undefined if there is none. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined,
    value,
  );
}

async function read(message: IncomingMessage): Promise<Answer> {
  const content = await text(message);
  const isJson = message.headers['content-type']?.includes('json');
  return {
    status: message.statusCode ?? 0,
    warnings: message.headersDistinct['warning'] ?? [],
    body: isJson ? JSON.parse(content) : content,
  };
}

function contentType(method: string, body: unknown): string {
  if (method === 'PATCH') return 'application/merge-patch+json';
  return typeof body === 'string' ? 'application/yaml' : 'application/json';
}

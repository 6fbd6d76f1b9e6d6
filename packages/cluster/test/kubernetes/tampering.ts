import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import type { Cluster as Plane } from '@openfero/testkit/controlplane';
import { listen } from '@openfero/testkit/listen';
import type { Access } from '../../src/kubernetes/access/access.ts';

/** Changes to the requests of watches, and to the answers of the API server. */
export interface Tampering {
  /** Changes the query of the next watches. */
  query?: (query: URLSearchParams) => void;
  /** Changes the bytes of their answers. */
  bytes?: (chunk: Buffer) => Buffer[];
  /** May answer in place of the API server. @returns whether it did */
  answer?: (url: URL, response: ServerResponse, incoming: IncomingMessage) => boolean;
}

export interface TamperingProxy {
  readonly access: Access;
  readonly tampering: Tampering;
  /** Sends a text on every watch of the resource. */
  say(resource: string, text: string | Buffer): void;
  close(): Promise<void>;
}

/**
 * Starts a proxy in front of a real API server that sends what only a broken proxy would send. It sends
 * requests as administrator.
 */
export async function startTampering(plane: Plane): Promise<TamperingProxy> {
  const [cert, key] = await Promise.all(
    ['admin.crt', 'admin.key'].map((name) => readFile(join(plane.folder, name), 'utf8')),
  );
  const agent = new Agent({ keepAlive: true, ca: plane.ca, cert, key });
  const tampering: Tampering = {};
  const watches = new Map<ServerResponse, string>();
  const server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? '', plane.url);
    if (tampering.answer?.(url, response, incoming) === true) return;
    const isWatch = url.searchParams.has('watch');
    if (!isWatch) return forward(incoming, response, { url, agent });
    tampering.query?.(url.searchParams);
    forward(incoming, response, { url, agent, tampering });
    watches.set(response, url.pathname);
    response.once('close', () => watches.delete(response));
  });
  const port = await listen(server);
  return {
    tampering,
    access: {
      server: `http://127.0.0.1:${port}`,
      namespace: undefined,
      inPod: false,
      ca: undefined,
      servername: undefined,
      insecure: false,
      identity: { token: 'unused' },
      impersonate: {},
    },
    say(resource, text) {
      for (const [response, path] of watches) {
        if (path.endsWith(resource) && response.headersSent) response.write(text);
      }
    },
    async close() {
      server.closeAllConnections();
      server.close();
      agent.destroy();
      await once(server, 'close');
    },
  };
}

interface Forwarding {
  readonly url: URL;
  readonly agent: Agent;
  readonly tampering?: Tampering;
}

function forward(
  incoming: IncomingMessage,
  response: ServerResponse,
  { url, agent, tampering = {} }: Forwarding,
): void {
  const { authorization: _, ...headers } = incoming.headers;
  const upstream = request(url, { method: incoming.method ?? 'GET', agent, headers });
  incoming.pipe(upstream);
  response.once('close', () => upstream.destroy());
  upstream.on('error', () => response.destroy());
  upstream.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    answer.on('data', (chunk: Buffer) => {
      for (const piece of tampering.bytes?.(chunk) ?? [chunk]) response.write(piece);
    });
    answer.on('end', () => response.end());
    answer.on('error', () => response.destroy());
  });
}

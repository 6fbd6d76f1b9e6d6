import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request } from 'node:https';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { at, type Cluster } from '@openfero/testkit/controlplane';
import { listen } from '@openfero/testkit/listen';

/** What a fault needs to know of a worker's call. */
export interface Call {
  readonly verb: 'create Job' | 'read Job' | 'watch' | 'other';
  /** The remediation for which a Job is created. */
  readonly remediation: string | undefined;
  readonly path: string;
}

/** What happens to a call: an answer in place of the API server's, or a lost answer. */
export type Fate = { readonly answer: 429 | 500 | 503 } | { readonly cutReply: () => void };

export interface ApiProxy {
  readonly port: number;
  /** Decides about each call; undefined passes it on. */
  rule: ((call: Call) => Fate | undefined) | undefined;
  /** Breaks the open watches only. */
  cutWatches(): void;
  /** Whether watches receive no events from now on. */
  silence(silent: boolean): void;
  openWatches(): number;
  close(): Promise<void>;
}

/** Milliseconds before a call is passed on, so that some call is always pending. */
const LATENCY = 25;

/** Between one worker and the API server. It has the server's certificate and passes tokens on. */
export async function startApiProxy(plane: Cluster): Promise<ApiProxy> {
  const read = (name: string): Promise<string> => readFile(join(plane.folder, name), 'utf8');
  const [cert, key] = await Promise.all([read('apiserver.crt'), read('apiserver.key')]);
  const agent = new Agent({ keepAlive: true, ca: plane.ca });
  const watches = new Map<ServerResponse, IncomingMessage>();
  let silent = false;

  const watch = (answer: IncomingMessage, reply: ServerResponse): void => {
    watches.set(reply, answer);
    reply.on('close', () => watches.delete(reply));
    answer.on('data', (bytes) => void reply.write(bytes));
    answer.on('end', () => reply.end());
    if (silent) answer.pause();
  };
  const take = async (asked: IncomingMessage, reply: ServerResponse): Promise<void> => {
    const body = await buffer(asked);
    const call = callOf(asked, body);
    const fate = proxy.rule?.(call);
    if (fate !== undefined && 'answer' in fate) return refuse(reply, fate.answer);
    await sleep(LATENCY);
    const answer = await forward(asked, body, reply);
    answer.on('error', () => reply.destroy());
    if (fate !== undefined) {
      fate.cutReply();
      reply.destroy();
      return;
    }
    reply.writeHead(answer.statusCode ?? 500, answer.headers);
    reply.flushHeaders();
    if (call.verb === 'watch') watch(answer, reply);
    else answer.pipe(reply);
  };
  const forward = async (
    asked: IncomingMessage,
    body: Buffer,
    reply: ServerResponse,
  ): Promise<IncomingMessage> => {
    const { method, url = '/', headers } = asked;
    const sent = request(new URL(url, plane.url), { method, headers, agent });
    reply.on('close', () => sent.destroy());
    sent.on('error', () => reply.destroy());
    sent.end(body);
    const [answer]: IncomingMessage[] = await once(sent, 'response');
    if (answer === undefined) throw new Error('no answer');
    return answer;
  };
  const server = createServer({ cert, key }, (asked, reply) => {
    take(asked, reply).catch(() => reply.destroy());
  });
  const port = await listen(server);
  const proxy: ApiProxy = {
    port,
    rule: undefined,
    cutWatches() {
      for (const reply of watches.keys()) reply.destroy();
    },
    silence(on) {
      silent = on;
      for (const answer of watches.values()) {
        if (on) answer.pause();
        else answer.resume();
      }
    },
    openWatches: () => watches.size,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      agent.destroy();
    },
  };
  return proxy;
}

function callOf({ method, url = '' }: IncomingMessage, body: Buffer): Call {
  const { pathname: path, searchParams } = new URL(url, 'https://any');
  const ofJobs = path.includes('/jobs');
  const call = { path, remediation: undefined };
  if (searchParams.has('watch')) return { ...call, verb: 'watch' };
  if (ofJobs && method === 'POST') {
    const read = ['metadata', 'annotations', 'openfero.io/remediation'];
    const remediation = at(JSON.parse(body.toString()), ...read);
    return { ...call, verb: 'create Job', remediation: String(remediation) };
  }
  return { ...call, verb: ofJobs && method === 'GET' ? 'read Job' : 'other' };
}

/** Answers as the API server does. */
function refuse(reply: ServerResponse, code: number): void {
  const reasons: Record<number, string> = { 429: 'TooManyRequests', 503: 'ServiceUnavailable' };
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    message: `fault injected by the test: ${code}`,
    reason: reasons[code] ?? 'InternalError',
    code,
  };
  const headers = { 'content-type': 'application/json' };
  reply.writeHead(code, { ...headers, ...(code === 429 && { 'retry-after': '1' }) });
  reply.end(JSON.stringify(status));
}

import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { HTTP_LIMITS, LINGER_MS } from './limits.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The status code that it gets if its connection ends before its body. */
    pendingCode: number;
  }
}

/** The answer to a request whose body still arrives, by its connection. */
const waiting = new WeakMap<Socket, Answer>();

interface Answer {
  readonly code: number;
  readonly body: string;
}

/**
 * Sends each answer only when the request has arrived completely: the rest is discarded. A sender that
 * still writes when its connection is closed sees a broken connection, which is a reason for
 * Alertmanager to repeat: if the answer is 413, for ever.
 */
export function answerAfterBody(app: FastifyInstance): void {
  app.decorateRequest('pendingCode', LATE.code);
  app.addHook('onSend', (request, reply, payload, done) => {
    const { raw } = request;
    if (raw.complete || raw.readableEnded || raw.destroyed || !hasBody(raw.headers)) return done();
    const socket = raw.socket;
    const body = typeof payload === 'string' ? payload : '';
    request.pendingCode = reply.statusCode;
    waiting.set(socket, { code: reply.statusCode, body });
    const finish = (): void => {
      raw.off('end', finish).off('close', finish);
      waiting.delete(socket);
      done();
    };
    raw.on('end', finish).on('close', finish).resume();
  });
}

function hasBody(headers: NodeJS.Dict<string | string[]>): boolean {
  return Number(headers['content-length']) > 0 || headers['transfer-encoding'] !== undefined;
}

/** 503 and not 408, since Alertmanager repeats only 5xx. */
const LATE: Answer = answer(
  503,
  `the request did not arrive completely within ${HTTP_LIMITS.requestTimeout} ms: check the network and the sender`,
);
const MALFORMED: Answer = answer(400, 'malformed HTTP request');

function answer(code: number, error: string): Answer {
  return { code, body: JSON.stringify({ error }) };
}

/** Answers what Node.js rejects: requests that are late, and what is no request. No route sees it. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (answered.has(socket)) return;
  const early = waiting.get(socket);
  const reply = early ?? replyTo(error.code ?? '');
  if (reply === undefined || !socket.writable) {
    socket.destroy();
    return;
  }
  answered.add(socket);
  const close = (): void => void socket.destroy();
  socket.end(asText(reply), early === undefined ? close : undefined);
  // Also if the sender does not read.
  setTimeout(close, LINGER_MS).unref();
}

/** Node.js reports a connection again while it lingers. */
const answered = new WeakSet<Socket>();

/** @returns undefined if nobody could read an answer: the connection is closed, or TLS has failed */
function replyTo(code: string): Answer | undefined {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return LATE;
  return code.startsWith('HPE_') ? MALFORMED : undefined;
}

function asText({ code, body }: Answer): string {
  const head = [
    `HTTP/1.1 ${code} ${STATUS_CODES[code]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

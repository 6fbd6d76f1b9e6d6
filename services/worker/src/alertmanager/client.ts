import { codeOf, messageOf } from '@openfero/core/errors';
import { Pool } from 'undici';
import type { AlertmanagerSettings } from './settings.ts';

/** Milliseconds for one request with its answer. */
const REQUEST_LIMIT = 5_000;

/** Bytes of an answer: 16 MiB hold some 20,000 alerts. */
const ANSWER_LIMIT = 16 * 1024 * 1024;

/** What Alertmanager answered. */
export interface Response {
  readonly body: unknown;
  /** By its own clock where it tells the time, else by ours: milliseconds since 1970. */
  readonly now: number;
}

/** There is no answer to a question, in words without the URL. */
export class NoAnswer extends Error {
  /** It did not answer at all: others would get none either. */
  readonly unreachable: boolean;
  constructor(message: string, unreachable: boolean) {
    super(message);
    this.unreachable = unreachable;
  }
}

/** One Alertmanager. */
export interface AlertmanagerClient {
  /** @param path below the base URL. @throws {NoAnswer} */
  get(path: string): Promise<Response>;
  /** Posts a body as JSON; the answer's own is not looked at. @throws {NoAnswer} unless it is accepted */
  post(path: string, body: unknown): Promise<void>;
  close(): Promise<void>;
}

/** @param onRequest is told the HTTP status of each request, `timeout`, or `error` where there is no answer */
export function createAlertmanagerClient(
  url: string,
  { authorization, ca }: Omit<AlertmanagerSettings, 'urls'>,
  onRequest: (code: string) => void,
): AlertmanagerClient {
  const { origin, pathname } = new URL(url);
  const base = pathname.replace(/\/$/, '');
  const pool = new Pool(origin, {
    connections: 1,
    allowH2: false,
    connect: { timeout: REQUEST_LIMIT, ...(ca !== undefined && { ca }) },
  });
  const headers = {
    ...{ accept: 'application/json', 'content-type': 'application/json' },
    ...(authorization !== undefined && { authorization }),
  };
  const request = async (
    message: { readonly method: 'GET' } | { readonly method: 'POST'; readonly body: string },
    path: string,
  ): Promise<Received> => {
    const signal = AbortSignal.timeout(REQUEST_LIMIT);
    try {
      const response = await pool.request({ ...message, path: base + path, headers, signal });
      const text = await readBounded(response.body);
      onRequest(String(response.statusCode));
      return { status: response.statusCode, date: String(response.headers['date']), text };
    } catch (error) {
      onRequest(signal.aborted ? 'timeout' : 'error');
      throw new NoAnswer(signal.aborted ? TIMED_OUT : textOf(error), true);
    }
  };
  return {
    get: async (path) => responseOf(await request({ method: 'GET' }, path)),
    async post(path, body) {
      refuseOthers(await request({ method: 'POST', body: JSON.stringify(body) }, path));
    },
    close: () => pool.destroy(),
  };
}

const TIMED_OUT = `no answer within ${REQUEST_LIMIT / 1000} s`;

/** Where several addresses refuse the connection, the error has no message of its own. */
const textOf = (error: unknown): string => messageOf(error) || String(codeOf(error));

interface Received {
  readonly status: number;
  /** Of the header. */
  readonly date: string;
  readonly text: string;
}

async function readBounded(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > ANSWER_LIMIT) {
      throw new Error(`the answer has more than ${ANSWER_LIMIT / 1024 / 1024} MiB`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Characters of what Alertmanager says is wrong with a question. */
const LONGEST_PROBLEM = 200;

/** @throws {NoAnswer} */
function refuseOthers({ status, text }: Received): void {
  if (status === 200) return;
  const said = text.trim().slice(0, LONGEST_PROBLEM).toWellFormed();
  throw new NoAnswer(`HTTP status ${status}${said === '' ? '' : ` ${said}`}`, false);
}

/** @throws {NoAnswer} */
function responseOf(received: Received): Response {
  refuseOthers(received);
  const { date, text } = received;
  const told = Date.parse(date);
  try {
    const body: unknown = JSON.parse(text);
    return { body, now: Number.isNaN(told) ? Date.now() : told };
  } catch {
    throw new NoAnswer('the answer is not JSON, it may come from a proxy', false);
  }
}

import { once } from 'node:events';
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type Service, startService } from '@openfero/testkit/process';

/** A test, or what else ends with a list of things to close. */
export interface Closing {
  after(close: () => unknown): void;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body's `error`, where it is JSON and has one. */
  readonly error: string | undefined;
}

export interface Dashboard {
  readonly url: string;
  readonly service: Service;
  /** Sends the path as it stands: nothing is normalised. */
  ask(method: string, path: string, headers?: OutgoingHttpHeaders, body?: string): Promise<Answer>;
}

const SERVER = fileURLToPath(new URL('../src/server.ts', import.meta.url));

/** Starts the dashboard as its own process; it ends with the test. */
export async function startDashboard(
  t: Closing,
  env: Readonly<Record<string, string>>,
): Promise<Dashboard> {
  const service = await startService(SERVER, { HOST: '127.0.0.1', PORT: '0', ...env });
  t.after(() => service.stop());
  const url = await service.url();
  return { url, service, ask: (...args) => ask(url, ...args) };
}

async function ask(
  url: string,
  ...[method, path, headers = {}, body]: Parameters<Dashboard['ask']>
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  // Node frames the body of a GET only where it is told its length.
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  const all = { ...headers, ...length };
  const sent = request({ hostname, port, method, path, headers: all, agent: false });
  sent.end(body);
  const [response] = await once(sent, 'response');
  const answer = await text(response);
  return {
    status: response.statusCode,
    headers: response.headers,
    body: answer,
    error: errorOf(answer),
  };
}

function errorOf(body: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== 'object' || value === null || !('error' in value)) return undefined;
    return typeof value.error === 'string' ? value.error : undefined;
  } catch {
    return undefined;
  }
}

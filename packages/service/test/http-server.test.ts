import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import Fastify from 'fastify';
import { pino } from 'pino';
import { createHttpServer, type HttpLimits, listen } from '../src/http-server.ts';

const LIMITS: HttpLimits = {
  requestTimeout: 2000,
  headersTimeout: 1000,
  connectionsCheckingInterval: 500,
  keepAliveTimeout: 1000,
  handshakeTimeout: 500,
};

function makeCertificate(folder: string): { certFile: string; keyFile: string } {
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const key = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test -days 2';
  const args = [...key.split(' '), '-keyout', keyFile, '-out', certFile];
  execFileSync('openssl', args, { stdio: 'ignore' });
  return { certFile, keyFile };
}

for (const scheme of ['http', 'https'] as const) {
  test(`the URL in the log is the ${scheme} URL that answers`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'openfero-http-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const tls = scheme === 'https' ? makeCertificate(folder) : undefined;
    const app = Fastify({ serverFactory: (handler) => createHttpServer(handler, LIMITS, tls) });
    t.after(() => app.close());
    app.get('/', async () => 'here');
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(line) });

    await listen(app, { host: '127.0.0.1', port: 0, tls }, log, { readOnly: true });

    const { url, readOnly, msg } = JSON.parse(lines.join());
    assert.deepEqual({ readOnly, msg }, { readOnly: true, msg: 'listening' });
    assert.match(url, new RegExp(`^${scheme}://127.0.0.1:\\d+$`));
    assert.equal(await statusOf(url), 200);
  });
}

test('a connection that never finishes its TLS handshake is closed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'openfero-http-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const app = Fastify({
    serverFactory: (handler) => createHttpServer(handler, LIMITS, makeCertificate(folder)),
  });
  t.after(() => app.close());
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));

  const socket = connect(Number(port), '127.0.0.1').resume();

  // The default of Node.js is two minutes.
  await once(socket, 'close', { signal: AbortSignal.timeout(10_000) });
});

async function statusOf(url: string): Promise<number | undefined> {
  if (url.startsWith('http:')) return (await fetch(url)).status;
  const [response] = await once(get(url, { agent: false, rejectUnauthorized: false }), 'response');
  response.resume();
  return response.statusCode;
}

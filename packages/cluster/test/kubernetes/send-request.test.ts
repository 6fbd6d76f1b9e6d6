import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import { listen } from '@openfero/testkit/listen';
import { Pool } from 'undici';
import { RequestTimeout, sendRequest } from '../../src/kubernetes/http/send-request.ts';

/** One connection to a server with this handler. */
async function poolTo(t: TestContext, answer: RequestListener): Promise<Pool> {
  const server = createServer(answer);
  const port = await listen(server);
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 1 });
  t.after(async () => {
    await pool.destroy();
    server.closeAllConnections();
    server.close();
  });
  return pool;
}

const GET = { path: '/', method: 'GET', limit: 5000, ignoreBody: false } as const;

describe('a request to a server', () => {
  test('returns status, headers and body, also of an error', async (t) => {
    const pool = await poolTo(t, (_, response) => {
      response.writeHead(409, { warning: '299 - "old"' }).write('{"a":');
      response.end('"ü"}');
    });

    const answer = await sendRequest(pool, { ...GET, ignoreBody: true });

    assert.deepEqual([answer.status, answer.headers['warning']], [409, '299 - "old"']);
    assert.equal(answer.body, '{"a":"ü"}');
  });

  test('sends the body of a DELETE with its length: without it an API server ignores the preconditions', async (t) => {
    const seen: (string | undefined)[] = [];
    const pool = await poolTo(t, async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      seen.push(request.headers['content-length'], request.headers['transfer-encoding'], body);
      response.end();
    });
    const body = '{"preconditions":{"uid":"u"}}';
    await sendRequest(pool, { ...GET, method: 'DELETE', body });
    assert.deepEqual(seen, [String(body.length), undefined, body]);
  });

  test('ends at its limit, also while it waits for a connection, and is not sent afterwards', async (t) => {
    const seen: (string | undefined)[] = [];
    const pool = await poolTo(t, ({ url }) => void seen.push(url));
    const first = sendRequest(pool, { ...GET, path: '/first', limit: 300 });
    const second = sendRequest(pool, { ...GET, path: '/second', limit: 100 });

    await assert.rejects(second, RequestTimeout);
    await assert.rejects(first, RequestTimeout);

    const third = sendRequest(pool, { ...GET, path: '/third', limit: 300 });
    await assert.rejects(third, RequestTimeout);
    assert.deepEqual(seen, ['/first', '/third']);
  });

  describe('whose answer is cut after its status', () => {
    const cut: RequestListener = (_, response) => {
      response.writeHead(201, { 'content-length': '100' }).write('{', () => response.destroy());
    };

    test('succeeds if only the status was requested', async (t) => {
      const { status } = await sendRequest(await poolTo(t, cut), { ...GET, ignoreBody: true });

      assert.equal(status, 201);
    });

    test('fails if the body was requested', async (t) => {
      await assert.rejects(sendRequest(await poolTo(t, cut), GET), /other side closed|terminated/);
    });
  });

  test('fails at once if nothing listens', async (t) => {
    const pool = new Pool('http://127.0.0.1:1');
    t.after(() => pool.destroy());

    await assert.rejects(sendRequest(pool, GET), { code: 'ECONNREFUSED' });
  });
});

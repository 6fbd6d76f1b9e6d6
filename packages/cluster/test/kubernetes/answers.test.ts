import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { errorOfResponse } from '../../src/kubernetes/http/errors.ts';
import { retryAfterOf, warningsOf } from '../../src/kubernetes/http/headers.ts';
import { splitLines } from '../../src/kubernetes/watch/lines.ts';

describe('the warnings of an answer', () => {
  test('are the texts of all Warning headers, also of several in one', () => {
    const one = '299 - "unknown field \\"a, b\\""';
    const two = '299 kube-apiserver "old, use new" "Sat, 22 Nov 2025 12:00:00 GMT"';
    assert.deepEqual(warningsOf({ warning: `${one}, ${two}` }), [
      'unknown field "a, b"',
      'old, use new',
    ]);
    assert.deepEqual(warningsOf({ warning: [one, two, '299 - "\\\\"'] }).length, 3);
    assert.deepEqual(warningsOf({}), []);
    assert.deepEqual(warningsOf({ warning: 'nonsense "299 -' }), []);
  });

  test('are returned as written', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (texts) => {
        const header = texts
          .map((text) => `299 - "${text.replace(/[\\"]/g, '\\$&')}"`)
          .map((text) => Buffer.from(text).toString('latin1'));
        assert.deepEqual(warningsOf({ warning: header }), texts);
        assert.deepEqual(warningsOf({ warning: header.join(', ') }), texts);
      }),
    );
  });
});

describe('the error of an answer', () => {
  test('is the message of the server', () => {
    const status = { kind: 'Status', reason: 'TooManyRequests', message: 'slow down' };
    const error = errorOfResponse(429, { 'retry-after': '7' }, JSON.stringify(status));
    assert.equal(error.message, '429 TooManyRequests: slow down');
    assert.deepEqual(
      [error.status, error.reason, error.retryAfter],
      [429, 'TooManyRequests', 7000],
    );
  });

  test('ignores a body that is not a Status', () => {
    for (const body of ['<html>secret</html>', '', 'null', '{"message":"secret"}', '[]']) {
      const { message, reason } = errorOfResponse(502, {}, body);
      assert.equal(
        message,
        '502 Unknown: the response is not a Kubernetes Status, it may come from a proxy',
      );
      assert.equal(reason, 'Unknown');
    }
  });

  test('is cut at 1,000 characters, and stays well-formed', () => {
    const message = `a${'🚀'.repeat(1000)}`;
    const error = errorOfResponse(500, {}, JSON.stringify({ kind: 'Status', message }));
    assert.ok(error.message.length < 1050);
    assert.ok(error.message.isWellFormed());
  });
});

test('Retry-After is read in seconds and as a date', () => {
  const now = Date.parse('2025-11-22T12:00:00Z');
  assert.equal(retryAfterOf('0', now), 0);
  assert.equal(retryAfterOf('120', now), 120_000);
  assert.equal(retryAfterOf('Sat, 22 Nov 2025 12:00:05 GMT', now), 5000);
  assert.equal(retryAfterOf('Sat, 22 Nov 2025 11:00:00 GMT', now), 0);
  for (const header of [undefined, '', 'soon', '-1e3x']) {
    assert.equal(retryAfterOf(header, now), undefined);
  }
});

describe('the lines of a stream', () => {
  const read = async (chunks: readonly Uint8Array[], longest = 1000): Promise<string[]> =>
    Array.fromAsync(splitLines(ReadableStream.from(chunks), longest));

  test('do not depend on how the bytes arrive', async () => {
    const texts = fc.array(
      fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', '')),
    );
    await fc.assert(
      fc.asyncProperty(texts, fc.integer({ min: 1, max: 9 }), async (all, size) => {
        const bytes = Buffer.from(all.map((text) => `${text}\n`).join(''));
        const chunks = [];
        for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
        assert.deepEqual(await read(chunks), all);
      }),
    );
  });

  test('skip a line without an end, and have a limit', async () => {
    assert.deepEqual(await read([Buffer.from('a\nb')]), ['a']);
    await assert.rejects(read([Buffer.alloc(1001)]), /a line is longer than 1000 bytes/);
    await assert.rejects(read([Buffer.alloc(600), Buffer.alloc(600)]), /longer than 1000 bytes/);
    assert.equal((await read([Buffer.from('abc\n'.repeat(1000))])).length, 1000);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRedisUrl } from '../src/redis-url.ts';

for (const [url, expected] of [
  ['redis://redis', { tls: false, endpoint: { host: 'redis', port: 6379 }, database: 0 }],
  ['redis://redis:6380/', { tls: false, endpoint: { host: 'redis', port: 6380 }, database: 0 }],
  ['rediss://10.0.0.1/15', { tls: true, endpoint: { host: '10.0.0.1', port: 6379 }, database: 15 }],
  ['REDISS://redis', { tls: true, endpoint: { host: 'redis', port: 6379 }, database: 0 }],
  ['redis://[::1]:1/2', { tls: false, endpoint: { host: '::1', port: 1 }, database: 2 }],
  [
    'redis://us%2Fer:p%40ss%25@redis',
    {
      ...{ tls: false, endpoint: { host: 'redis', port: 6379 }, database: 0 },
      ...{ username: 'us/er', password: 'p@ss%' },
    },
  ],
  ['unix:///run/redis.sock', { tls: false, endpoint: { path: '/run/redis.sock' }, database: 0 }],
  [
    'redis://:pass@redis',
    { tls: false, endpoint: { host: 'redis', port: 6379 }, database: 0, password: 'pass' },
  ],
] as const) {
  test(`${url} is read completely`, () => assert.deepEqual(parseRedisUrl(url), expected));
}

for (const [url, problem] of [
  ['redis://:hidden@redis/openfero', /number of a database/],
  ['redis://redis/1/2', /number of a database/],
  ['redis://redis/-1', /number of a database/],
  ['redis://redis/1.5', /number of a database/],
  ['redis://redis//1', /number of a database/],
  ['redis://redis/99999999999', /number of a database/],
  ['redis:hidden:6379', /redis:\/\/host:port/],
  ['redis:/hidden', /redis:\/\/host:port/],
  ['//hidden:6379', /redis:\/\/host:port/],
  ['/var/run/hidden.sock', /redis:\/\/host:port/],
  ['hidden:6379', /redis:\/\/host:port/],
  ['http://hidden', /redis:\/\/host:port/],
  ['redis://hidden:65536', /redis:\/\/host:port/],
  ['redis://hidden:port', /redis:\/\/host:port/],
  ['redis://hidden a', /redis:\/\/host:port/],
  ['redis://', /names no host/],
  ['redis:///1', /names no host/],
  ['redis://hidden:0', /port 0/],
  ['redis://redis?db=3&password=hidden', /must not contain \?/],
  ['redis://redis/1#hidden', /must not contain \?/],
  ['redis://user:hid%den@redis', /%25/],
  ['unix:/run/hidden.sock', /path of a socket/],
  ['unix://hidden', /path of a socket/],
  ['unix://user:hidden@/run/redis.sock', /path of a socket/],
  ['unix:///run/redis.sock?db=1&hidden', /path of a socket/],
  ['unix:///', /path of a socket/],
] as const) {
  test(`${url} is refused, without its text`, () => {
    assert.throws(
      () => parseRedisUrl(url),
      (error) =>
        error instanceof Error && problem.test(error.message) && !/hid/.test(error.message),
    );
  });
}

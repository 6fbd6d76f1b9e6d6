import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { listen } from '@openfero/testkit/listen';
import { startRedis } from '@openfero/testkit/redis';
import { Redis } from 'ioredis';

const PASSWORD = 'a "secret';

describe('the commands of docs/operating.md for Redis', () => {
  it('back up the data, and restore them so that they survive a crash', async (t) => {
    const redis = await startRedis({ args: ['--requirepass', PASSWORD] });
    const second = await freePort();
    const client = new Redis(redis.url, { password: PASSWORD });
    t.after(async () => {
      client.disconnect();
      await promisify(execFile)('redis-cli', ['-p', `${second}`, 'shutdown', 'nosave']).catch(
        () => {},
      );
      await redis.stop();
    });
    const run = (command: string) =>
      promisify(execFile)('sh', ['-euc', command], {
        cwd: redis.dir,
        env: { PATH: process.env['PATH'], REDISCLI_AUTH: PASSWORD },
        timeout: 30_000,
      });
    const [backUp = '', ...restore] = await commands({ port: redis.port, second, dir: redis.dir });

    await client.set('{openfero}:waiting', 'backed up');
    await run(backUp);
    await client.set('{openfero}:waiting', 'changed');
    await client.set('{openfero}:later', 'not in the backup');
    for (const command of restore) await run(command);
    await client.set('{openfero}:after', 'writable again');
    await redis.restart();
    assert.deepEqual(
      await client.mget('{openfero}:waiting', '{openfero}:later', '{openfero}:after'),
      ['backed up', null, 'writable again'],
    );
  });
});

/** What the page runs in the pod of Redis, for a Redis on this machine. */
async function commands(here: { port: number; second: number; dir: string }): Promise<string[]> {
  const page = await readFile(new URL('../docs/operating.md', import.meta.url), 'utf8');
  const section = page.slice(
    page.indexOf('## Back up and restore Redis'),
    page.indexOf('## Scale'),
  );
  const inPod = /^ *kubectl -n openfero exec (?:-i )?openfero-redis-0 -- (.*)$/gm;
  return [...section.matchAll(inPod)].map(([, command = '']) =>
    command
      .replaceAll(/redis-cli (?!-p)/g, `redis-cli -p ${here.port} `)
      .replaceAll('6380', String(here.second))
      .replaceAll('/data', here.dir),
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  await promise;
  return port;
}

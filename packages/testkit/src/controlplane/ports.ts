import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * Below the range from which the kernel takes ports for outgoing connections (Linux: 32768 on):
 * else a client's connection could sit on the API server's port while that is down for a test.
 */
const LOWEST = 20_000;
const HIGHEST = 32_000;

/** Free ports on loopback; held together until all are found, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const held: { port: number; server: Server }[] = [];
  while (held.length < count) {
    const port = randomInt(LOWEST, HIGHEST);
    const server = await listening(port);
    if (server) held.push({ port, server });
  }
  for (const { server } of held) {
    server.close();
    await once(server, 'close');
  }
  return held.map(({ port }) => port);
}

function listening(port: number): Promise<Server | undefined> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<Server | undefined>();
  server.once('error', () => resolve(undefined));
  server.listen(port, '127.0.0.1', () => resolve(server));
  return promise;
}

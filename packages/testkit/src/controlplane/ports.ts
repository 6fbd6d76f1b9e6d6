import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * Below the kernel's range for outgoing connections (Linux: from 32768): otherwise a client's connection
 * could occupy the API server's port while a test has stopped it.
 */
const LOWEST = 20_000;
const HIGHEST = 32_000;

/** Different free ports on the loopback interface. */
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

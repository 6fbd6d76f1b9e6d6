import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  createAuthority,
  issueClientCertificate,
  issueServerCertificate,
} from '../controlplane/certificates.ts';
import { listen } from '../listen.ts';
import { spawnBound } from '../process.ts';
import { findProgram } from '../program.ts';

export interface TestRedis {
  readonly port: number;
  readonly url: string;
  /** Its data folder, removed by stop(). */
  readonly dir: string;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
  /** Sends SIGKILL. restart() starts it again. */
  kill(): Promise<void>;
  /** Sends SIGSTOP: connections stay open, but nothing is answered. */
  pause(): void;
  resume(): void;
  /** Kills it if it runs, and starts it on the same port with the same data. */
  restart(): Promise<void>;
}

export interface RedisOptions {
  /** Additional arguments of redis-server, such as `['--maxmemory', '10mb']`. */
  readonly args?: readonly string[];
  readonly port?: number;
  /**
   * Serves TLS only, with a certificate of a CA of its own for 127.0.0.1. With `mutual` it asks for a
   * certificate of the client too: client.crt and client.key in its folder.
   */
  readonly tls?: boolean | 'mutual';
}

/** Starts a real redis-server with the recommended durability. */
export async function startRedis(options: RedisOptions = {}): Promise<TestRedis> {
  const program = findRedis();
  const dir = await mkdtemp(join(tmpdir(), 'openfero-redis-'));
  const port = options.port ?? (await freePort());
  const { tls = false } = options;
  const listening =
    tls === false ? ['--port', String(port)] : await tlsArgs(port, dir, tls === 'mutual');
  const run = (): Promise<ChildProcess> =>
    launch(program, port, [...listening, ...durable(dir), ...(options.args ?? [])]);
  let child = await run();
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  };
  return {
    port,
    url: `${tls === false ? 'redis' : 'rediss'}://127.0.0.1:${port}`,
    dir,
    kill,
    stop: async () => {
      await kill();
      await rm(dir, { recursive: true, force: true });
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    restart: async () => {
      await kill();
      child = await run();
    },
  };
}

/** The CA is `ca.crt` in the folder. */
async function tlsArgs(port: number, dir: string, isMutual: boolean): Promise<string[]> {
  await createAuthority(dir);
  await issueServerCertificate(dir, 'redis');
  if (isMutual) await issueClientCertificate(dir, 'client', 'openfero', []);
  return [
    ...['--port', '0', '--tls-port', String(port), '--tls-auth-clients', isMutual ? 'yes' : 'no'],
    ...['--tls-ca-cert-file', join(dir, 'ca.crt')],
    ...['--tls-cert-file', join(dir, 'redis.crt'), '--tls-key-file', join(dir, 'redis.key')],
  ];
}

function durable(dir: string): string[] {
  return [
    ...['--bind', '127.0.0.1', '--dir', dir, '--save', ''],
    ...['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'],
  ];
}

async function launch(
  program: string,
  port: number,
  args: readonly string[],
): Promise<ChildProcess> {
  const child = spawnBound(program, args);
  const output: string[] = [];
  await new Promise<void>((resolve, reject) => {
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        output.push(line);
        if (line.includes('Ready to accept connections')) resolve();
      });
    }
    child.stderr?.on('data', (data) => output.push(String(data)));
    child.once('error', reject);
    child.once('close', () =>
      reject(new Error(`redis-server ended during startup: ${output.slice(-3).join(' | ')}`)),
    );
  });
  // By TCP only: it may ask for a password or a certificate.
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
  return child;
}

/** A port of the loopback interface that is free right now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await once(server, 'close');
  return port;
}

/** @throws saying what to install, in one line */
export function findRedis(): string {
  const found = findProgram(['redis-server'], 'redis-server');
  if (found !== undefined) return found;
  throw new Error(
    'redis-server is missing: install Redis 6.2 or newer (Debian: apt-get install redis-server, macOS: brew install redis) and run this again',
  );
}

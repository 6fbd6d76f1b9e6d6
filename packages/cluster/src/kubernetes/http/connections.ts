import { Pool } from 'undici';
import type { Tls } from '../access/credentials.ts';
import type { Timing } from '../timing.ts';

/** Milliseconds. Below the 90 s after which an API server closes an idle connection. */
const KEEP_ALIVE = 60_000;

/** Bytes. The warnings of one response may have 4,096 characters of several bytes. */
const MAX_HEADER_SIZE = 64 * 1024;

/** All connections to one API server. */
export interface Connections {
  /** The pool with these certificates. Connections with other ones are closed once they are idle. */
  poolFor(tls: Tls): Pool;
  /** A request timed out: idle connections may be dead, so the next requests open new ones. */
  renew(): void;
  /** Closes all connections, and aborts their requests. */
  close(): Promise<void>;
}

/**
 * Keep-alive connections over HTTP/1.1: HTTP/2 measured no faster, and all requests would depend on
 * one connection.
 *
 * @param origin scheme, host and port
 * @param size the most connections at a time
 * @param timing `call` limits connecting, `headers` the wait for a response
 */
export function createConnections(origin: string, size: number, timing: Timing): Connections {
  const pools = new Set<Pool>();
  let current: { readonly tls: Tls; readonly pool: Pool; readonly since: number } | undefined;

  const retire = (): void => {
    const pool = current?.pool;
    current = undefined;
    // Requests that were sent on it complete first.
    void pool?.close().then(() => pools.delete(pool));
  };
  return {
    poolFor(tls) {
      if (current?.tls === tls) return current.pool;
      retire();
      const pool = new Pool(origin, {
        connections: size,
        pipelining: 1,
        allowH2: false,
        keepAliveTimeout: KEEP_ALIVE,
        maxHeaderSize: MAX_HEADER_SIZE,
        headersTimeout: timing.headers,
        bodyTimeout: timing.headers,
        connect: { timeout: timing.call, ...tls },
      });
      pools.add(pool);
      current = { tls, pool, since: performance.now() };
      return pool;
    },
    renew() {
      // Not more often than calls can time out: new connections make a slow server slower.
      if (current !== undefined && performance.now() - current.since > timing.call) retire();
    },
    async close() {
      await Promise.all([...pools].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}

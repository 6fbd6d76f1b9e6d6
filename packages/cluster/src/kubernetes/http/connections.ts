import { Pool } from 'undici';
import type { Tls } from '../access/credentials.ts';
import type { Timing } from './timing.ts';

/** Milliseconds. Below the 90 s after which an API server closes an idle connection. */
const KEEP_ALIVE = 60_000;

/** The warnings of one answer may have 4,096 characters of several bytes. */
const MAX_HEADER_SIZE = 64 * 1024;

/** All connections to one API server. */
export interface Connections {
  /** Those that were made with this TLS material; others are closed once they are free. */
  of(tls: Tls): Pool;
  /** An answer did not come: idle connections may be dead, so the next calls begin with new ones. */
  renew(): void;
  /** Breaks all of them. */
  close(): Promise<void>;
}

/**
 * Keep-alive connections over HTTP/1.1: HTTP/2 measured no faster, and one broken connection would
 * take everything with it.
 *
 * @param origin scheme, host and port
 * @param size how many at most
 * @param timing its `call` bounds a connection, its `headers` the wait for an answer
 */
export function connections(origin: string, size: number, timing: Timing): Connections {
  const open = new Set<Pool>();
  let current: { readonly tls: Tls; readonly pool: Pool; readonly since: number } | undefined;

  const retire = (): void => {
    const pool = current?.pool;
    current = undefined;
    // What is under way on them ends in peace.
    void pool?.close().then(() => open.delete(pool));
  };
  return {
    of(tls) {
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
      open.add(pool);
      current = { tls, pool, since: performance.now() };
      return pool;
    },
    renew() {
      // No faster than calls can fail: while a server is slow, new connections make it slower.
      if (current !== undefined && performance.now() - current.since > timing.call) retire();
    },
    async close() {
      await Promise.all([...open].map((pool) => pool.destroy()));
      open.clear();
    },
  };
}

import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { FastifyInstance } from 'fastify';
import type { Logger } from './log.ts';
import { reloadTls, type TlsSettings, tlsOptions } from './tls.ts';

/** Milliseconds, by the names that Node gives them. */
export interface HttpLimits {
  /** From the first byte of a request to the last one of its body. */
  readonly requestTimeout: number;
  readonly headersTimeout: number;
  /** How often Node enforces the two limits above. */
  readonly connectionsCheckingInterval: number;
  readonly keepAliveTimeout: number;
  /** With TLS: the limits above start when the handshake is done. Node's own is 120 s. */
  readonly handshakeTimeout: number;
}

export interface ListenSettings {
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
  /** Undefined if TLS is off. */
  readonly tls: TlsSettings | undefined;
}

/** Creates the server of a Fastify app, for its option `serverFactory`: HTTPS if TLS is on. */
export function createHttpServer(
  handler: RequestListener,
  limits: HttpLimits,
  tls: TlsSettings | undefined,
): Server {
  return tls === undefined
    ? createServer(limits, handler)
    : createTlsServer({ ...limits, ...tlsOptions(tls) }, handler);
}

/**
 * Listens, logs the URL, and from then on serves renewed certificates.
 *
 * @param fields to log with the URL
 */
export async function listen(
  app: FastifyInstance,
  { host, port, tls }: ListenSettings,
  log: Logger,
  fields: object = {},
): Promise<void> {
  const address = await app.listen({ host, port });
  if (tls !== undefined) reloadTls(app.server, tls, log);
  // Fastify does not know that a server of our own uses TLS.
  const url = tls === undefined ? address : address.replace('http:', 'https:');
  log.info({ url, ...fields }, 'listening');
}

import { statSync } from 'node:fs';
import {
  createSecureContext,
  type SecureContextOptions,
  Server,
  TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { messageOf } from '@openfero/core/errors';
import type { FastifyInstance } from 'fastify';
import { OPEN_ROUTES } from './health.ts';
import type { Logger } from './log.ts';
import { type Environment, InvalidSetting, readTextFile, text } from './settings.ts';

/** Paths, for the files change while the service runs. */
export interface TlsSettings {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile?: string;
}

const CERT = 'OPENFERO_TLS_CERT_FILE';
const KEY = 'OPENFERO_TLS_KEY_FILE';
const CLIENT_CA = 'OPENFERO_TLS_CLIENT_CA_FILE';

/** How soon a renewed certificate is served. cert-manager renews days before the old one ends. */
const CHECK_INTERVAL_MS = 10_000;

/**
 * Reads where certificate, key and the clients' authority lie, and looks whether they fit.
 *
 * @returns undefined where TLS is off
 * @throws {InvalidSetting} naming what is missing, unreadable or no certificate
 */
export function readTlsSettings(env: Environment): TlsSettings | undefined {
  const certFile = text(env, CERT);
  const keyFile = text(env, KEY);
  const clientCaFile = text(env, CLIENT_CA);
  if (certFile === undefined && keyFile === undefined) {
    if (clientCaFile === undefined) return undefined;
    throw new InvalidSetting(CLIENT_CA, `needs TLS: set ${CERT} and ${KEY} too`);
  }
  if (certFile === undefined) throw new InvalidSetting(CERT, `is missing: ${KEY} needs it`);
  if (keyFile === undefined) throw new InvalidSetting(KEY, `is missing: ${CERT} needs it`);
  const settings = { certFile, keyFile, ...(clientCaFile !== undefined && { clientCaFile }) };
  check(settings);
  return Object.freeze(settings);
}

function check(settings: TlsSettings): void {
  const { cert, key, ca } = readFiles(settings);
  attempt(CERT, settings.certFile, { cert });
  attempt(KEY, settings.keyFile, { cert, key });
  if (settings.clientCaFile !== undefined) attempt(CLIENT_CA, settings.clientCaFile, { ca });
}

function attempt(name: string, path: string, options: SecureContextOptions): void {
  try {
    createSecureContext(options);
  } catch (error) {
    const reason = messageOf(error);
    throw new InvalidSetting(name, `${JSON.stringify(path)} does not fit (${reason})`);
  }
}

function readFiles(settings: TlsSettings): { cert: string; key: string; ca?: string } {
  return {
    cert: readTextFile(CERT, settings.certFile),
    key: readTextFile(KEY, settings.keyFile),
    ...(settings.clientCaFile && { ca: readTextFile(CLIENT_CA, settings.clientCaFile) }),
  };
}

/**
 * Node's options for an HTTPS server. Clients without a certificate may shake hands all the same:
 * {@link requireClientCertificate} refuses them by route, since probes have none.
 */
export function tlsOptions(settings: TlsSettings): TlsOptions {
  const asks = settings.clientCaFile !== undefined;
  return { ...readFiles(settings), requestCert: asks, rejectUnauthorized: false };
}

/** Refuses requests without a certificate of the clients' authority, health and metrics excepted. */
export function requireClientCertificate(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    if (OPEN_ROUTES.has(request.routeOptions.url ?? '')) return;
    const socket = request.raw.socket;
    if (socket instanceof TLSSocket && socket.authorized) return;
    return reply.code(401).send({
      error: 'no valid client certificate: send one of the authority that this server trusts',
    });
  });
}

/**
 * Serves renewed files without a restart. Files that do not fit, as half a renewal, leave the old
 * ones in place and are tried again.
 *
 * @param server nothing happens where it is without TLS
 */
export function reloadTls(
  server: object,
  settings: TlsSettings,
  log: Logger,
  intervalMs = CHECK_INTERVAL_MS,
): void {
  if (!(server instanceof Server)) return;
  let loaded = versionOf(settings);
  const timer = setInterval(() => {
    const found = versionOf(settings);
    if (found === loaded) return;
    try {
      check(settings);
      server.setSecureContext(readFiles(settings));
      loaded = found;
      log.info('TLS: renewed certificate files are in use');
    } catch (error) {
      log.warn({ err: error }, 'TLS: changed certificate files cannot be used, the old ones stay');
    }
  }, intervalMs);
  timer.unref();
  server.once('close', () => clearInterval(timer));
}

/** Kubernetes swaps a mounted Secret by a symbolic link: the inode changes as well. */
function versionOf({ certFile, keyFile, clientCaFile }: TlsSettings): string {
  const files = [certFile, keyFile, ...(clientCaFile === undefined ? [] : [clientCaFile])];
  return files.map(versionOfFile).join();
}

function versionOfFile(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return `${stats?.ino}:${stats?.mtimeMs}`;
}

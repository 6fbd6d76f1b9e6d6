import { statSync } from 'node:fs';
import { Server, TLSSocket, type TlsOptions } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { OPEN_ROUTES } from './health.ts';
import type { Logger } from './log.ts';
import { checkCa, checkPair } from './pem.ts';
import { type Environment, InvalidSetting, readTextFile, text } from './settings.ts';

/** Paths: the files change while the service runs. */
export interface TlsSettings {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile?: string;
}

const CERT = 'OPENFERO_TLS_CERT_FILE';
const KEY = 'OPENFERO_TLS_KEY_FILE';
const CLIENT_CA = 'OPENFERO_TLS_CLIENT_CA_FILE';

/** How often the files are checked. cert-manager renews a certificate days before it expires. */
const CHECK_INTERVAL_MS = 10_000;

/**
 * Reads the paths of the certificate, its key and the CA of the clients, and checks the files.
 *
 * @returns undefined if TLS is off
 * @throws {InvalidSetting} naming the variable that is missing, or whose file is not valid
 */
export function readTlsSettings(env: Environment): TlsSettings | undefined {
  const certFile = text(env, CERT);
  const keyFile = text(env, KEY);
  const clientCaFile = text(env, CLIENT_CA);
  if (certFile === undefined && keyFile === undefined) {
    if (clientCaFile === undefined) return undefined;
    throw new InvalidSetting(CLIENT_CA, `needs TLS: also set ${CERT} and ${KEY}`);
  }
  if (certFile === undefined)
    throw new InvalidSetting(CERT, `is missing: set both ${CERT} and ${KEY}`);
  if (keyFile === undefined)
    throw new InvalidSetting(KEY, `is missing: set both ${CERT} and ${KEY}`);
  const settings = { certFile, keyFile, ...(clientCaFile !== undefined && { clientCaFile }) };
  checkFiles(settings);
  return Object.freeze(settings);
}

function checkFiles(settings: TlsSettings): void {
  const { certFile, keyFile, clientCaFile } = settings;
  const { cert, key, ca } = readFiles(settings);
  checkPair({ name: CERT, path: certFile, pem: cert }, { name: KEY, path: keyFile, pem: key });
  if (clientCaFile !== undefined && ca !== undefined) {
    checkCa({ name: CLIENT_CA, path: clientCaFile, pem: ca });
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
 * Returns the options of an HTTPS server of Node.js. The handshake succeeds without a client
 * certificate too: {@link requireClientCertificate} decides by route, since probes have none.
 */
export function tlsOptions(settings: TlsSettings): TlsOptions {
  const requestCert = settings.clientCaFile !== undefined;
  return { ...readFiles(settings), requestCert, rejectUnauthorized: false };
}

/**
 * Refuses requests without a certificate of the clients' CA, on every route except health and metrics.
 * Does nothing if there is no such CA.
 */
export function requireClientCertificate(
  app: FastifyInstance,
  settings: TlsSettings | undefined,
): void {
  if (settings?.clientCaFile === undefined) return;
  app.addHook('onRequest', async (request, reply) => {
    if (OPEN_ROUTES.has(request.routeOptions.url ?? '')) return;
    const socket = request.raw.socket;
    if (socket instanceof TLSSocket && socket.authorized) return;
    return reply.code(401).send({
      error: 'no valid client certificate: use one signed by the client CA of this server',
    });
  });
}

/**
 * Serves renewed certificates without a restart. While the files do not match, such as halfway
 * through a renewal, the server keeps the old ones and checks again.
 *
 * @param server nothing happens if it has no TLS
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
      checkFiles(settings);
      server.setSecureContext(readFiles(settings));
      loaded = found;
      log.info('reloaded the TLS certificate');
    } catch (error) {
      log.warn({ err: error }, 'cannot use the changed TLS files, keeping the old certificate');
    }
  }, intervalMs);
  timer.unref();
  server.once('close', () => clearInterval(timer));
}

/** Kubernetes replaces a mounted Secret by a symbolic link: the inode changes too. */
function versionOf({ certFile, keyFile, clientCaFile }: TlsSettings): string {
  const files = [certFile, keyFile, ...(clientCaFile === undefined ? [] : [clientCaFile])];
  return files.map(versionOfFile).join();
}

function versionOfFile(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return `${stats?.ino}:${stats?.mtimeMs}`;
}

import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { messageOf } from '@openfero/core/errors';
import type { Logger } from '@openfero/service/log';
import { InvalidSetting } from '@openfero/service/settings';
import type { Timing } from '../timing.ts';
import { withDeadline } from '../waiting.ts';
import type { Access, Pem } from './access.ts';
import { createExecPlugin, describePlugin, type ExecPlugin } from './exec.ts';

/** What a request is sent with. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** The same object while its contents are the same. Another object needs new connections. */
  readonly tls: Tls;
  readonly token: string | undefined;
}

export interface Tls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
  /** Of the certificates. One for all connections: each of its own would take 60 KB. */
  readonly secureContext: SecureContext;
}

export interface CredentialSource {
  /** The credentials at hand, unless they have to be read again first. */
  current(): Credentials | undefined;
  /** Reads files again that were last read too long ago. Callers at the same time share one read. */
  read(): Promise<Credentials>;
  /** The server refused these credentials: the next call reads everything again, however new it is. */
  discard(refused: Credentials): void;
  /** The connection failed, perhaps because a file has changed: the next call reads it again. */
  expire(): void;
  /** Names the source in messages. */
  readonly description: string;
}

/**
 * Opens the source of the credentials. Files are read again and again: tokens, certificates and
 * certificate authorities are replaced while the worker runs.
 *
 * @throws {InvalidSetting} where they cannot be read, or are not valid certificates
 */
export async function createCredentialSource(
  access: Access,
  log: Logger,
  { reread, start }: Timing,
): Promise<CredentialSource> {
  const { exec } = access.identity;
  const plugin = exec === undefined ? undefined : createExecPlugin(exec, access.server);
  const description = exec === undefined ? 'the files with credentials' : describePlugin(exec);
  const readAll = (): Promise<Credentials> => readCredentials(access, plugin);
  const timeout = (): Error => new Error(`timed out after ${start} ms waiting for ${description}`);
  let current = await withDeadline(readAll(), { limit: start }, timeout).catch((error: unknown) => {
    throw new InvalidSetting('KUBECONFIG', messageOf(error));
  });
  let readAt = performance.now();
  let reading: Promise<void> | undefined;

  const readAgain = async (): Promise<void> => {
    try {
      const next = await readAll();
      current = sameTls(current.tls, next.tls) ? { ...next, tls: current.tls } : next;
    } catch (error) {
      // A file may be half written while it is replaced, and the old credentials may still be valid.
      log.warn(`cannot reload the credentials, the previous ones stay in use: ${messageOf(error)}`);
    } finally {
      readAt = performance.now();
      reading = undefined;
    }
  };
  const isOld = (): boolean => performance.now() - readAt > reread;
  const expire = (): void => {
    readAt = Number.NEGATIVE_INFINITY;
  };
  return {
    description,
    current: () => (reading !== undefined || isOld() ? undefined : current),
    async read() {
      if (isOld()) reading ??= readAgain();
      await reading;
      return current;
    },
    discard(refused) {
      if (refused !== current) return;
      plugin?.discard();
      expire();
    },
    expire,
  };
}

async function readCredentials(
  access: Access,
  plugin: ExecPlugin | undefined,
): Promise<Credentials> {
  const { certificate } = access.identity;
  const [fromPlugin, ca, cert, key, token] = await Promise.all([
    plugin?.credentials(),
    textOf(access.ca),
    textOf(certificate?.cert),
    textOf(certificate?.key),
    tokenOf(access),
  ]);
  const bearer = fromPlugin?.token ?? token;
  const certificates = {
    ...(ca !== undefined && { ca }),
    ...certificateOf(fromPlugin?.cert ?? cert, fromPlugin?.key ?? key),
  };
  const tls: Tls = {
    rejectUnauthorized: !access.insecure,
    ...(access.servername !== undefined && { servername: access.servername }),
    ...certificates,
    secureContext: contextOf(certificates),
  };
  const authorization = bearer !== undefined && { authorization: `Bearer ${bearer}` };
  return { headers: { ...access.impersonate, ...authorization }, tls, token: bearer };
}

async function textOf(pem: Pem | undefined): Promise<string | undefined> {
  if (pem === undefined || 'text' in pem) return pem?.text;
  return readFile(pem.file, 'utf8');
}

/** Trimmed: the newline that an editor adds is illegal in a header. */
async function tokenOf({ identity: { token, tokenFile } }: Access): Promise<string | undefined> {
  if (tokenFile === undefined) return token?.trim();
  const text = (await readFile(tokenFile, 'utf8')).trim();
  if (text === '') throw new Error(`the token file ${tokenFile} is empty`);
  return text;
}

type Certificates = Pick<Tls, 'ca' | 'cert' | 'key'>;

function certificateOf(cert: string | undefined, key: string | undefined): Certificates {
  return cert === undefined || key === undefined ? {} : { cert, key };
}

/** Made here rather than at the first connection, so that a mistake is reported at the start. */
function contextOf(certificates: Certificates): SecureContext {
  try {
    const { ca } = certificates;
    if (ca !== undefined && !ca.includes('-----BEGIN')) throw new Error('it is not in PEM format');
    return createSecureContext(certificates);
  } catch (error) {
    throw new Error(
      `the certificate authority or client certificate is not valid: ${messageOf(error)}`,
    );
  }
}

function sameTls(a: Certificates, b: Certificates): boolean {
  return a.ca === b.ca && a.cert === b.cert && a.key === b.key;
}

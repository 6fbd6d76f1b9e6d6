import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { messageOf } from '@openfero/core/errors';
import type { Logger } from '@openfero/service/log';
import { InvalidSetting } from '@openfero/service/settings';
import type { Timing } from '../http/timing.ts';
import type { Access, Pem } from './access.ts';
import { execPlugin, nameOf, type Plugin } from './exec.ts';

/** What one request presents. */
export interface Presented {
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** The same object as long as it holds the same: another one wants new connections. */
  readonly tls: Tls;
  readonly token: string | undefined;
}

export interface Tls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

export interface Credentials {
  /** What is there, unless it has to be read again first. */
  current(): Presented | undefined;
  /** Reads files again that were last read too long ago; all who ask meanwhile wait for that. */
  present(): Promise<Presented>;
  /** They were refused: the next call reads everything again, however young it is. */
  refused(presented: Presented): void;
  /** The connection failed: a file may have changed. */
  doubt(): void;
  /** What a call that waits for credentials waits for. */
  readonly source: string;
}

/**
 * Opens the credentials. Everything that is in files is read again and again: tokens, certificates
 * and authorities are replaced under a running worker.
 *
 * @throws {InvalidSetting} where they cannot be read, or are no certificates
 */
export async function openCredentials(
  access: Access,
  log: Logger,
  { reread, start }: Timing,
): Promise<Credentials> {
  const { exec } = access.identity;
  const plugin = exec === undefined ? undefined : execPlugin(exec, access.server);
  const source = exec === undefined ? 'files with credentials' : nameOf(exec);
  const read = (): Promise<Presented> => readAll(access, plugin);
  let current = await within(start, source, read()).catch((error: unknown) => {
    throw new InvalidSetting('KUBECONFIG', messageOf(error));
  });
  let readAt = performance.now();
  let reading: Promise<void> | undefined;

  const readAgain = async (): Promise<void> => {
    try {
      const next = await read();
      current = sameTls(current.tls, next.tls) ? { ...next, tls: current.tls } : next;
    } catch (error) {
      // Half a file of somebody who is replacing it: what was good may still be.
      log.warn(`credentials not read again, the ones before stay in use: ${messageOf(error)}`);
    } finally {
      readAt = performance.now();
      reading = undefined;
    }
  };
  const isOld = (): boolean => performance.now() - readAt > reread;
  return {
    source,
    current: () => (reading !== undefined || isOld() ? undefined : current),
    async present() {
      if (isOld()) reading ??= readAgain();
      await reading;
      return current;
    },
    refused(presented) {
      if (presented !== current) return;
      plugin?.refused();
      readAt = Number.NEGATIVE_INFINITY;
    },
    doubt() {
      readAt = Number.NEGATIVE_INFINITY;
    },
  };
}

async function within<T>(limit: number, source: string, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${source}: nothing within ${limit} ms`)), limit);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function readAll(access: Access, plugin: Plugin | undefined): Promise<Presented> {
  const { certificate } = access.identity;
  const [printed, ca, cert, key, token] = await Promise.all([
    plugin?.credentials(),
    textOf(access.ca),
    textOf(certificate?.cert),
    textOf(certificate?.key),
    tokenOf(access),
  ]);
  const bearer = printed?.token ?? token;
  const tls: Tls = {
    rejectUnauthorized: !access.insecure,
    ...(access.servername !== undefined && { servername: access.servername }),
    ...(ca !== undefined && { ca }),
    ...withCertificate(printed?.cert ?? cert, printed?.key ?? key),
  };
  checkTls(tls);
  const authorization = bearer !== undefined && { authorization: `Bearer ${bearer}` };
  return { headers: { ...access.impersonate, ...authorization }, tls, token: bearer };
}

async function textOf(pem: Pem | undefined): Promise<string | undefined> {
  if (pem === undefined || 'text' in pem) return pem?.text;
  return readFile(pem.file, 'utf8');
}

/** Trimmed: an editor's newline would make an illegal header. */
async function tokenOf({ identity: { token, tokenFile } }: Access): Promise<string | undefined> {
  if (tokenFile === undefined) return token?.trim();
  const text = (await readFile(tokenFile, 'utf8')).trim();
  if (text === '') throw new Error(`${tokenFile} is empty`);
  return text;
}

function withCertificate(cert: string | undefined, key: string | undefined): Partial<Tls> {
  return cert === undefined || key === undefined ? {} : { cert, key };
}

/** Here rather than at the first connection: who looks at the start should see what is wrong. */
function checkTls({ ca, cert, key }: Tls): void {
  try {
    if (ca !== undefined && !ca.includes('-----BEGIN')) throw new Error('it holds no PEM');
    createSecureContext({ ca, cert, key });
  } catch (error) {
    throw new Error(
      `the certificate authority or client certificate is wrong: ${messageOf(error)}`,
    );
  }
}

function sameTls(a: Tls, b: Tls): boolean {
  return a.ca === b.ca && a.cert === b.cert && a.key === b.key;
}

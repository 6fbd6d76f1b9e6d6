import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { messageOf } from '@openfero/core/errors';
import { InvalidSetting } from './settings.ts';

/** The content of a file, and the variable that names the file. */
export interface PemFile {
  readonly name: string;
  readonly path: string;
  readonly pem: string;
}

/** @throws {InvalidSetting} if the file has no certificate, or one that is broken */
export function checkCa(file: PemFile): void {
  tryToUse(file, 'a CA certificate', () => {
    // A secure context takes a text without a certificate, and then trusts nothing.
    new X509Certificate(file.pem);
    createSecureContext({ ca: file.pem });
  });
}

/** @throws {InvalidSetting} if one of the files is broken, or if they do not belong together */
export function checkPair(cert: PemFile, key: PemFile): void {
  tryToUse(cert, 'a certificate', () => createSecureContext({ cert: cert.pem }));
  tryToUse(key, 'the private key of the certificate', () =>
    createSecureContext({ cert: cert.pem, key: key.pem }),
  );
}

function tryToUse({ name, path }: PemFile, expected: string, use: () => unknown): void {
  try {
    use();
  } catch (error) {
    const problem = `${JSON.stringify(path)} is not ${expected} (${messageOf(error)})`;
    throw new InvalidSetting(name, problem);
  }
}

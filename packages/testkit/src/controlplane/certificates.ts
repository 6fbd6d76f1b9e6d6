import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { output } from './command.ts';

/**
 * Node cannot sign certificates, so openssl does. Its configuration differs between systems, and
 * LibreSSL's `req` cannot sign for a CA: therefore this configuration, and `x509 -req`.
 */
const OPENSSL = `
[req]
distinguished_name = subject
[subject]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1, IP:10.0.0.1, DNS:localhost, DNS:kubernetes, DNS:kubernetes.default.svc
[client]
extendedKeyUsage = clientAuth
`;
const DAYS = '2';

interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** Creates a certificate authority in `folder`: ca.crt and ca.key. */
export async function createAuthority(folder: string): Promise<void> {
  await writeFile(join(folder, 'openssl.cnf'), OPENSSL);
  await writeKey(folder, 'ca');
  const ca = ['-key', 'ca.key', '-subj', '/CN=openfero-tests', '-out', 'ca.crt'];
  const options = ['-new', '-x509', '-config', 'openssl.cnf', '-extensions', 'ca', '-days', DAYS];
  await output('openssl', ['req', ...options, ...ca], { cwd: folder });
}

/** For the API server: `name`.crt and `name`.key. */
export function issueServerCertificate(folder: string, name: string): Promise<Certificate> {
  return issue(folder, name, '/CN=kube-apiserver', 'server');
}

/** For the API server's clients: it reads the user from CN and the groups from O. */
export function issueClientCertificate(
  folder: string,
  name: string,
  user: string,
  groups: readonly string[],
): Promise<Certificate> {
  const subject = [...groups.map((group) => `/O=${group}`), `/CN=${user}`].join('');
  return issue(folder, name, subject, 'client');
}

/** Writes an EC key in the form (SEC 1) that Kubernetes accepts for service account tokens too. */
export async function writeKey(folder: string, name: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'sec1', format: 'pem' }).toString();
  await writeFile(join(folder, `${name}.key`), key, { mode: 0o600 });
  return key;
}

async function issue(
  folder: string,
  name: string,
  subject: string,
  usage: 'server' | 'client',
): Promise<Certificate> {
  const key = await writeKey(folder, name);
  const request = ['-new', '-key', `${name}.key`, '-subj', subject, '-out', `${name}.csr`];
  await output('openssl', ['req', '-config', 'openssl.cnf', ...request], { cwd: folder });
  const serial = `0x${randomBytes(15).toString('hex')}`;
  const authority = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-set_serial', serial, '-days', DAYS];
  const files = ['-in', `${name}.csr`, '-out', `${name}.crt`];
  const extensions = ['-extfile', 'openssl.cnf', '-extensions', usage];
  await output('openssl', ['x509', '-req', ...files, ...authority, ...extensions], { cwd: folder });
  return { certificate: await readFile(join(folder, `${name}.crt`), 'utf8'), key };
}

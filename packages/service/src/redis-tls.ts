import { checkCa, checkPair } from './pem.ts';
import {
  boolean,
  type Environment,
  InvalidSetting,
  readEach,
  readTextFile,
  text,
} from './settings.ts';

/** PEM. Empty if the CAs that Node.js knows are enough, and Redis asks for no client certificate. */
export interface RedisTls {
  /** The CA that signed the certificate of Redis. */
  readonly ca?: string;
  /** The certificate of this client and its key. */
  readonly cert?: string;
  readonly key?: string;
}

const TLS = 'REDIS_TLS';
const CA = 'REDIS_CA_FILE';
const CERT = 'REDIS_CERT_FILE';
const KEY = 'REDIS_KEY_FILE';

/**
 * Reads whether and how to use TLS.
 *
 * @returns undefined if TLS is off
 * @throws {InvalidSettings}
 */
export function readRedisTls(env: Environment): RedisTls | undefined {
  const given = text(env, TLS) === undefined ? undefined : boolean(env, TLS, false);
  const byUrl = tlsOfUrl(text(env, 'REDIS_URL'));
  if (given !== undefined && byUrl !== undefined && given !== byUrl) {
    throw new InvalidSetting(TLS, `is ${given}, and REDIS_URL says otherwise: remove ${TLS}`);
  }
  const isOn = byUrl ?? given;
  if (isOn === false || (isOn === undefined && text(env, 'REDIS_URL') === undefined)) {
    refuseFiles(env);
    return undefined;
  }
  const files = readFiles(env);
  return isOn === true ? files : undefined;
}

/** @returns undefined if there is no URL, or if it is not valid */
function tlsOfUrl(url: string | undefined): boolean | undefined {
  const [, scheme] = /^(rediss?|unix):/i.exec(url ?? '') ?? [];
  return scheme === undefined ? undefined : scheme.toLowerCase() === 'rediss';
}

function refuseFiles(env: Environment): void {
  const refuse = (name: string) => () => {
    if (text(env, name) === undefined) return;
    throw new InvalidSetting(
      name,
      `needs TLS: use rediss:// in REDIS_URL, or ${TLS}=true with Sentinel or a Cluster`,
    );
  };
  readEach({ ca: refuse(CA), cert: refuse(CERT), key: refuse(KEY) });
}

function readFiles(env: Environment): RedisTls {
  const { ca, client } = readEach({
    ca: () => readCa(env),
    client: () => readClientCertificate(env),
  });
  return Object.freeze({ ...ca, ...client });
}

function readCa(env: Environment): Pick<RedisTls, 'ca'> {
  const path = text(env, CA);
  if (path === undefined) return {};
  const ca = readTextFile(CA, path);
  checkCa({ name: CA, path, pem: ca });
  return { ca };
}

function readClientCertificate(env: Environment): Pick<RedisTls, 'cert' | 'key'> {
  const [certPath, keyPath] = [text(env, CERT), text(env, KEY)];
  if (certPath === undefined && keyPath === undefined) return {};
  if (certPath === undefined) throw new InvalidSetting(CERT, `is missing: ${KEY} is set`);
  if (keyPath === undefined) throw new InvalidSetting(KEY, `is missing: ${CERT} is set`);
  const { cert, key } = readEach({
    cert: () => readTextFile(CERT, certPath),
    key: () => readTextFile(KEY, keyPath),
  });
  checkPair({ name: CERT, path: certPath, pem: cert }, { name: KEY, path: keyPath, pem: key });
  return { cert, key };
}

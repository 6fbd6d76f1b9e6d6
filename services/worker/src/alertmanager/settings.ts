import { createSecureContext } from 'node:tls';
import { messageOf } from '@openfero/core/errors';
import {
  type Environment,
  InvalidSetting,
  readTextFile,
  secret,
  text,
} from '@openfero/service/settings';

/** Every Alertmanager that sends alerts here, and how this worker logs in to them. */
export interface AlertmanagerSettings {
  /** Base URLs, without a slash at the end. */
  readonly urls: readonly string[];
  /** The value of the header Authorization, if they ask for a login. */
  readonly authorization?: string;
  /** PEM of the CA that signed their certificates. */
  readonly ca?: string;
}

const PREFIX = 'OPENFERO_ALERTMANAGER_';
const URLS = `${PREFIX}URL`;

/**
 * Reads the settings of OPENFERO_ALERTMANAGER_*.
 *
 * @returns undefined without OPENFERO_ALERTMANAGER_URL: nothing is asked
 * @throws {InvalidSetting}
 */
export function readAlertmanagerSettings(env: Environment): AlertmanagerSettings | undefined {
  const list = text(env, URLS);
  if (list === undefined) return refuseUseless(env);
  const urls = list.split(',').map((one) => readUrl(one.trim()));
  const authorization = readAuthorization(env);
  const ca = readCa(env, urls);
  return Object.freeze({
    urls: [...new Set(urls)],
    ...(authorization !== undefined && { authorization }),
    ...(ca !== undefined && { ca }),
  });
}

/** A login without an address is a misspelled or a forgotten variable. */
function refuseUseless(env: Environment): undefined {
  for (const part of ['USER', 'PASSWORD', 'PASSWORD_FILE', 'TOKEN', 'TOKEN_FILE', 'CA_FILE']) {
    if (text(env, PREFIX + part) === undefined) continue;
    throw new InvalidSetting(
      PREFIX + part,
      `has no effect without ${URLS}: set the URL, or unset it`,
    );
  }
}

function readUrl(value: string): string {
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    const problem = 'is not a list of URLs with commas between, such as http://alertmanager:9093';
    throw new InvalidSetting(URLS, problem);
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidSetting(
      URLS,
      `contains a login: use ${PREFIX}USER and ${PREFIX}PASSWORD instead`,
    );
  }
  if (url.search !== '' || url.hash !== '' || /\/api\/v[12]\b/.test(url.pathname)) {
    throw new InvalidSetting(
      URLS,
      'must be a base URL, as in the web interface: without /api/v2 and without a query',
    );
  }
  return url.href.replace(/\/+$/, '');
}

function readAuthorization(env: Environment): string | undefined {
  const user = text(env, `${PREFIX}USER`);
  const password = secret(env, `${PREFIX}PASSWORD`);
  const token = secret(env, `${PREFIX}TOKEN`);
  if (token !== undefined) {
    if (user === undefined && password === undefined) return headerOf(`Bearer ${token}`);
    throw new InvalidSetting(
      `${PREFIX}TOKEN`,
      `is set, and ${PREFIX}USER or _PASSWORD too: remove one of them`,
    );
  }
  if (user === undefined && password === undefined) return undefined;
  if (user === undefined) throw new InvalidSetting(`${PREFIX}USER`, 'is missing: set it');
  if (password === undefined) throw new InvalidSetting(`${PREFIX}PASSWORD`, 'is missing: set it');
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** A line break in the file of a token would make every request fail. */
function headerOf(value: string): string {
  if (/^[\x20-\x7e]+$/.test(value)) return value;
  throw new InvalidSetting(
    `${PREFIX}TOKEN`,
    'contains a character that no HTTP header may have: write the token alone, in one line',
  );
}

function readCa(env: Environment, urls: readonly string[]): string | undefined {
  const name = `${PREFIX}CA_FILE`;
  const path = text(env, name);
  if (path === undefined) return undefined;
  if (!urls.some((url) => url.startsWith('https:'))) {
    throw new InvalidSetting(name, `needs TLS: use https:// in ${URLS}`);
  }
  const ca = readTextFile(name, path);
  try {
    createSecureContext({ ca });
  } catch (error) {
    throw new InvalidSetting(name, `the file is not a CA certificate (${messageOf(error)})`);
  }
  return ca;
}

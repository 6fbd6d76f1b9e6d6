import { isIPv4 } from 'node:net';
import { type AuthSettings, readAuthSettings } from '@openfero/service/authentication';
import {
  boolean,
  type CommonSettings,
  type Environment,
  InvalidSetting,
  readCommonSettings,
  text,
} from '@openfero/service/settings';
import { readTlsSettings, type TlsSettings } from '@openfero/service/tls';
import { jobUrlProblem } from './pages/job-url.ts';

export interface Settings extends CommonSettings {
  readonly auth: AuthSettings;
  /** Undefined if TLS is off. */
  readonly tls: TlsSettings | undefined;
  /** Remediations can be neither retried nor removed. */
  readonly readOnly: boolean;
  /** Where the logs of a Job are: a URL with places such as {job}, undefined where there is none. */
  readonly jobUrl: string | undefined;
}

const DEFAULT_PORT = 8082;
const READ_ONLY = 'OPENFERO_DASHBOARD_READ_ONLY';
const JOB_URL = 'OPENFERO_JOB_URL';

/** @throws {InvalidSetting} naming the first variable that is wrong or missing */
export function readSettings(env: Environment): Settings {
  const common = readCommonSettings(env, DEFAULT_PORT);
  const auth = readAuthSettings(env);
  return Object.freeze({
    ...common,
    auth,
    tls: readTlsSettings(env),
    readOnly: readReadOnly(env, auth, common.host),
    jobUrl: readJobUrl(env),
  });
}

function readJobUrl(env: Environment): string | undefined {
  const template = text(env, JOB_URL);
  const problem = template === undefined ? undefined : jobUrlProblem(template);
  if (problem !== undefined) throw new InvalidSetting(JOB_URL, problem);
  return template;
}

function readReadOnly(env: Environment, auth: AuthSettings, host: string): boolean {
  const readOnly = boolean(env, READ_ONLY, auth.kind === 'none');
  if (readOnly || auth.kind !== 'none' || isLoopback(host)) return readOnly;
  throw new InvalidSetting(
    READ_ONLY,
    `cannot be false without authentication, since anyone who reaches ${host} could retry and remove remediations: set OPENFERO_AUTH to basic or bearer, or HOST to 127.0.0.1`,
  );
}

/** Whether only this machine can reach the name or address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

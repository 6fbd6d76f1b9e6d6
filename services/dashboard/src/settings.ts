import { isIPv4 } from 'node:net';
import { type AuthSettings, readAuthSettings } from '@openfero/service/authentication';
import { type CommonSettings, readCommonSettings } from '@openfero/service/common-settings';
import {
  boolean,
  type Environment,
  InvalidSetting,
  readEach,
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

/** @throws {InvalidSettings} naming the variables that are wrong or missing */
export function readSettings(env: Environment): Settings {
  const { common, auth, tls, given, jobUrl } = readEach({
    common: () => readCommonSettings(env, DEFAULT_PORT),
    auth: () => readAuthSettings(env),
    tls: () => readTlsSettings(env),
    given: () => (text(env, READ_ONLY) === undefined ? undefined : boolean(env, READ_ONLY, true)),
    jobUrl: () => readJobUrl(env),
  });
  const readOnly = given ?? auth.kind === 'none';
  if (!readOnly && auth.kind === 'none') refuseOpenChanges(common.host);
  return Object.freeze({ ...common, auth, tls, readOnly, jobUrl });
}

function readJobUrl(env: Environment): string | undefined {
  const template = text(env, JOB_URL);
  const problem = template === undefined ? undefined : jobUrlProblem(template);
  if (problem !== undefined) throw new InvalidSetting(JOB_URL, problem);
  return template;
}

function refuseOpenChanges(host: string): void {
  if (isLoopback(host)) return;
  throw new InvalidSetting(
    READ_ONLY,
    `cannot be false without authentication, since anyone who reaches ${host} could retry and remove remediations: set OPENFERO_AUTH to basic or bearer, or HOST to 127.0.0.1`,
  );
}

/** Whether only this machine can reach the name or address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

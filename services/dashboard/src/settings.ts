import { isIPv4 } from 'node:net';
import { type AuthSettings, readAuthSettings } from '@openfero/service/authentication';
import { type CommonSettings, readCommonSettings } from '@openfero/service/common-settings';
import {
  boolean,
  type Environment,
  InvalidSetting,
  integer,
  readEach,
  text,
} from '@openfero/service/settings';
import { readTlsSettings, type TlsSettings } from '@openfero/service/tls';
import { basePathProblem } from './base-path.ts';
import { jobUrlProblem } from './pages/job-url.ts';
import { readNetworks, type UserHeader } from './person.ts';

export interface Settings extends CommonSettings {
  readonly auth: AuthSettings;
  /** Undefined if TLS is off. */
  readonly tls: TlsSettings | undefined;
  /** Remediations can be neither retried nor removed. */
  readonly readOnly: boolean;
  /** Jobs that wait for a person can be approved and denied; else only kubectl can. */
  readonly approval: boolean;
  /** Where the logs of a Job are: a URL with places such as {job}, undefined where there is none. */
  readonly jobUrl: string | undefined;
  /** The path below which a proxy serves the dashboard; empty where it is `/`. */
  readonly basePath: string;
  /** Where /metrics is too, and nothing else; undefined if it is only beside the pages. */
  readonly metricsPort: number | undefined;
  /** Undefined if no proxy says who a person is. */
  readonly userHeader: UserHeader | undefined;
}

const DEFAULT_PORT = 8082;
const READ_ONLY = 'OPENFERO_DASHBOARD_READ_ONLY';
const JOB_URL = 'OPENFERO_JOB_URL';
const BASE_PATH = 'OPENFERO_DASHBOARD_BASE_PATH';
const USER_HEADER = 'OPENFERO_DASHBOARD_USER_HEADER';
const METRICS_PORT = 'OPENFERO_DASHBOARD_METRICS_PORT';
const TRUSTED_PROXIES = 'OPENFERO_DASHBOARD_TRUSTED_PROXIES';

/** @throws {InvalidSettings} naming the variables that are wrong or missing */
export function readSettings(env: Environment): Settings {
  const { common, given, ...own } = readEach({
    common: () => readCommonSettings(env, DEFAULT_PORT),
    auth: () => readAuthSettings(env),
    tls: () => readTlsSettings(env),
    given: () => (text(env, READ_ONLY) === undefined ? undefined : boolean(env, READ_ONLY, true)),
    approval: () => boolean(env, 'OPENFERO_DASHBOARD_APPROVAL', true),
    jobUrl: () => readJobUrl(env),
    basePath: () => readBasePath(env),
    metricsPort: () => readMetricsPort(env),
    userHeader: () => readUserHeader(env),
  });
  const { auth } = own;
  const readOnly = given ?? auth.kind === 'none';
  if (!readOnly && auth.kind === 'none') refuseOpenChanges(common.host);
  if (own.metricsPort === common.port && common.port !== 0) {
    throw new InvalidSetting(METRICS_PORT, 'must be another port than that of the pages (PORT)');
  }
  return Object.freeze({ ...common, ...own, readOnly });
}

function readJobUrl(env: Environment): string | undefined {
  const template = text(env, JOB_URL);
  const problem = template === undefined ? undefined : jobUrlProblem(template);
  if (problem !== undefined) throw new InvalidSetting(JOB_URL, problem);
  return template;
}

function readBasePath(env: Environment): string {
  const path = text(env, BASE_PATH);
  const problem = path === undefined ? undefined : basePathProblem(path);
  if (problem !== undefined) throw new InvalidSetting(BASE_PATH, problem);
  return path ?? '';
}

function readMetricsPort(env: Environment): number | undefined {
  if (text(env, METRICS_PORT) === undefined) return undefined;
  return integer(env, METRICS_PORT, { fallback: 0, min: 0, max: 65_535 });
}

/** Anyone could send the header, so it needs the addresses that may. */
function readUserHeader(env: Environment): UserHeader | undefined {
  const [name, list] = [text(env, USER_HEADER), text(env, TRUSTED_PROXIES)];
  if (name === undefined && list === undefined) return undefined;
  if (list === undefined) {
    throw new InvalidSetting(
      TRUSTED_PROXIES,
      `is missing: ${USER_HEADER} is believed only from the addresses of your proxies, as in 10.1.2.3,10.2.0.0/16`,
    );
  }
  if (name === undefined || !/^[A-Za-z0-9-]+$/.test(name)) {
    throw new InvalidSetting(
      USER_HEADER,
      'must be the name of the header in which your proxy sends the user, such as X-Forwarded-User',
    );
  }
  const trusts = readNetworks(list);
  if (trusts !== undefined) return { name, trusts };
  throw new InvalidSetting(
    TRUSTED_PROXIES,
    'must be a list of addresses and networks, as in 10.1.2.3,10.2.0.0/16',
  );
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

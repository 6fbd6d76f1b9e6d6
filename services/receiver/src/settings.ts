import { type AuthSettings, readAuthSettings } from '@openfero/service/authentication';
import { type CommonSettings, readCommonSettings } from '@openfero/service/common-settings';
import { type Environment, integer, readEach, size } from '@openfero/service/settings';
import { readTlsSettings, type TlsSettings } from '@openfero/service/tls';
import { readTracingSettings, type TracingSettings } from '@openfero/service/tracing/settings';
import { BODY_LIMIT, MAX_WAITING } from './limits.ts';

export interface Settings extends CommonSettings {
  readonly auth: AuthSettings;
  /** Undefined if TLS is off. */
  readonly tls: TlsSettings | undefined;
  /** Undefined if tracing is off. */
  readonly tracing: TracingSettings | undefined;
  /** Bytes. */
  readonly bodyLimit: number;
  readonly maxWaiting: number;
  /** How many replicas must have a notification before it is acknowledged. */
  readonly replicas: number;
}

const DEFAULT_PORT = 8080;

/** @throws {InvalidSettings} naming the variables that are wrong or missing */
export function readSettings(env: Environment): Settings {
  const { common, ...own } = readEach({
    common: () => readCommonSettings(env, DEFAULT_PORT),
    auth: () => readAuthSettings(env),
    tls: () => readTlsSettings(env),
    tracing: () => readTracingSettings(env),
    bodyLimit: () => size(env, 'OPENFERO_BODY_LIMIT', BODY_LIMIT),
    maxWaiting: () =>
      integer(env, 'OPENFERO_MAX_WAITING', {
        fallback: MAX_WAITING,
        min: 1,
        max: 1_000_000_000,
      }),
    replicas: () => integer(env, 'OPENFERO_REDIS_WAIT', { fallback: 0, min: 0, max: 100 }),
  });
  return Object.freeze({ ...common, ...own });
}

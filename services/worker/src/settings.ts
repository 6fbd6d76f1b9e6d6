import { type ClusterSettings, readClusterSettings } from '@openfero/cluster/settings';
import { DURATION } from '@openfero/core/operarius/policy-syntax';
import { policyTexts } from '@openfero/core/operarius/policy-texts';
import {
  DEFAULT_HISTORY_AGE,
  DEFAULT_HISTORY_COUNT,
  LEAST_HISTORY_COUNT,
} from '@openfero/core/redis/history';
import { type CommonSettings, readCommonSettings } from '@openfero/service/common-settings';
import {
  type RemediationSettings,
  readRemediationSettings,
  readSetting,
} from '@openfero/service/remediation-settings';
import {
  boolean,
  type Environment,
  InvalidSetting,
  integer,
  readEach,
  text,
} from '@openfero/service/settings';
import { readTracingSettings, type TracingSettings } from '@openfero/service/tracing/settings';
import { type AlertmanagerSettings, readAlertmanagerSettings } from './alertmanager/settings.ts';

export interface WorkerSettings extends CommonSettings, ClusterSettings, RemediationSettings {
  /** Remediations in hand at once. */
  readonly concurrency: number;
  /** Entries of the history, and milliseconds that one is kept. */
  readonly historyCount: number;
  readonly historyAge: number;
  /** Undefined: Alertmanager is not asked. */
  readonly alertmanager: AlertmanagerSettings | undefined;
  /** Whether OpenFero raises alerts there. */
  readonly raiseAlerts: boolean;
  /** For links in them: without a slash at the end. */
  readonly dashboardUrl: string | undefined;
  /** Undefined if tracing is off. */
  readonly tracing: TracingSettings | undefined;
}

/** What the log shows of the settings, besides their secrets: credentials of the cluster have many names. */
export function shownSettings({ cluster, policy, ...rest }: WorkerSettings): object {
  const shown =
    cluster.kind === 'directory' ? cluster : { kind: cluster.kind, server: cluster.access.server };
  return { ...rest, cluster: shown, policy: policyTexts(policy) };
}

/** Measured default: 64 creates in flight reach the limit of one API server on two cores. */
const DEFAULT_CONCURRENCY = 64;

/**
 * Reads the worker's settings.
 *
 * @param env the environment, never read elsewhere
 * @throws {InvalidSettings} naming the variables that are wrong or missing
 */
export function readSettings(env: Environment): WorkerSettings {
  const { common, cluster, remediation, ...own } = readEach({
    common: () => readCommonSettings(env, 8081),
    cluster: () => readClusterSettings(env),
    remediation: () => readRemediationSettings(env),
    concurrency: () =>
      integer(env, 'OPENFERO_CONCURRENCY', {
        fallback: DEFAULT_CONCURRENCY,
        min: 1,
        max: 1000,
      }),
    historyCount: () =>
      integer(env, 'OPENFERO_HISTORY_COUNT', {
        fallback: DEFAULT_HISTORY_COUNT,
        min: LEAST_HISTORY_COUNT,
        max: 10_000_000,
      }),
    historyAge: () => readSetting(env, 'OPENFERO_HISTORY_AGE', DURATION, DEFAULT_HISTORY_AGE),
    alertmanager: () => readAlertmanagerSettings(env),
    raiseAlerts: () => boolean(env, 'OPENFERO_RAISE_ALERTS', true),
    dashboardUrl: () => readDashboardUrl(env),
    tracing: () => readTracingSettings(env),
  });
  return Object.freeze({ ...common, ...cluster, ...remediation, ...own });
}

/** @throws {InvalidSetting} */
function readDashboardUrl(env: Environment): string | undefined {
  const name = 'OPENFERO_DASHBOARD_URL';
  const value = text(env, name);
  if (value === undefined) return undefined;
  const url = URL.parse(value);
  if (url !== null && /^https?:$/.test(url.protocol) && url.username + url.password === '') {
    if (url.search === '' && url.hash === '') return url.href.replace(/\/+$/, '');
  }
  throw new InvalidSetting(
    name,
    'is not the address of the dashboard, such as https://openfero.example.com: without a login and a query',
  );
}

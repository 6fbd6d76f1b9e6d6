import { type Alert, type AlertStatus, fingerprintOf } from '../alert.ts';
import { troubleOf } from '../identity/trouble.ts';
import { instantOf, NEVER } from '../instant.ts';
import type { ConfigMap } from '../kubernetes.ts';
import { type Operarius, readOperarius, subjectOf } from '../operarius/operarius.ts';
import type { Policy } from '../operarius/policy.ts';
import type { Remediation } from '../redis/remediation.ts';
import type { Rendered } from './render.ts';
import { type JobSettings, renderJob } from './render-job.ts';

export interface Sample extends Rendered {
  readonly operarius: Operarius;
}

/**
 * Renders the Job of each alertname of a ConfigMap, for an alert that has no label but its name: what
 * can be known about a definition before an alert comes.
 *
 * @param defaults the policy of the settings
 * @param now milliseconds
 * @throws {InvalidOperarius} as the alert would find it
 */
export function renderSamples(
  configMap: ConfigMap,
  defaults: Policy,
  settings: JobSettings,
  now: number,
): Sample[] {
  const { status, alertnames } = subjectOf(configMap);
  return alertnames.flatMap((alertname) => {
    const operarius = readOperarius(configMap, alertname, defaults);
    if (operarius === undefined) return [];
    const alert = sampleAlert(status, alertname, now);
    return { operarius, ...renderSample(operarius, alert, settings, now) };
  });
}

/** The same of one alert. @throws {InvalidOperarius} */
export function renderSample(
  operarius: Operarius,
  alert: Alert,
  settings: JobSettings,
  now: number,
): Rendered {
  const remediation = sampleRemediation(alert, now);
  const identity = { ...troubleOf(remediation, operarius), n: 0 };
  const { mode, approvalTimeout } = operarius.policy;
  const answerBy = mode === 'approve' ? now + approvalTimeout : undefined;
  return renderJob({ operarius, remediation, identity, answerBy }, settings);
}

/** An alert that has no label but its name. @param now milliseconds */
export function sampleAlert(status: AlertStatus, alertname: string, now: number): Alert {
  const labels = { alertname };
  return {
    status,
    labels,
    annotations: {},
    startsAt: instantOf(now),
    endsAt: NEVER,
    generatorURL: '',
    fingerprint: fingerprintOf(labels),
  };
}

function sampleRemediation(alert: Alert, now: number): Remediation {
  const group = { key: '', status: alert.status, externalURL: '' };
  return { v: 1, id: 'check', receivedAt: now, group, alert };
}

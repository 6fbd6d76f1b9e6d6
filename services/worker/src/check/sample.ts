import { type Alert, fingerprintOf } from '@openfero/core/alert';
import { troubleOf } from '@openfero/core/identity/trouble';
import { instantOf, NEVER } from '@openfero/core/instant';
import type { ConfigMap } from '@openfero/core/kubernetes';
import {
  alertnamesOf,
  InvalidOperarius,
  type Operarius,
  operariusName,
  readOperarius,
} from '@openfero/core/operarius';
import type { Policy } from '@openfero/core/operarius/policy';
import type { Remediation } from '@openfero/core/redis/remediation';
import type { Rendered } from '@openfero/core/render';
import { type JobSettings, renderJob } from '../remediation/render-job.ts';

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
  const alertnames = alertnamesOf(configMap);
  if (alertnames.length === 0) throw neverRuns(configMap);
  return alertnames.flatMap((alertname) => {
    const operarius = readOperarius(configMap, alertname, defaults);
    if (operarius === undefined) return [];
    const remediation = sampleRemediation(sampleAlert(operarius.name, alertname, now), now);
    const identity = { ...troubleOf(remediation, operarius), n: 0 };
    return { operarius, ...renderJob({ operarius, remediation, identity }, settings) };
  });
}

function sampleAlert(name: string, alertname: string, now: number): Alert {
  const labels = { alertname };
  const firing = operariusName(alertname, 'firing') === name;
  return {
    status: firing ? 'firing' : 'resolved',
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

function neverRuns({ metadata, data = {} }: ConfigMap): InvalidOperarius {
  const found = Object.keys(data).slice(0, 5).join(', ') || 'none';
  return new InvalidOperarius(
    `ConfigMap ${metadata.namespace}/${metadata.name} never runs: no data key is an alertname that leads to this name (found ${found})`,
  );
}

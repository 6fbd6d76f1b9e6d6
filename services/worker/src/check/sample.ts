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
import { type Rendered, render } from '@openfero/core/render';

export interface Sample extends Rendered {
  readonly operarius: Operarius;
}

/** What a sample needs of the settings. */
export interface SampleSettings {
  readonly policy: Policy;
  readonly jobNamespace: string;
  readonly jobTtl: number;
  readonly jobDeadline: number;
  readonly serviceAccount?: string | undefined;
}

/**
 * Renders the Job that each alertname of a ConfigMap would get, for an alert that holds no more than
 * its name: what can be told of a definition before an alert comes.
 *
 * @throws {InvalidOperarius} as the alert would find it
 */
export function samplesOf(configMap: ConfigMap, settings: SampleSettings, now: number): Sample[] {
  const alertnames = alertnamesOf(configMap);
  if (alertnames.length === 0) throw neverRuns(configMap);
  return alertnames.flatMap((alertname) => {
    const operarius = readOperarius(configMap, alertname, settings.policy);
    return operarius === undefined ? [] : sampleOf(operarius, alertname, settings, now);
  });
}

function sampleOf(
  operarius: Operarius,
  alertname: string,
  settings: SampleSettings,
  now: number,
): Sample {
  const remediation = remediationOf(sampleAlert(operarius.name, alertname, now), now);
  const rendered = render({
    operarius,
    remediation,
    identity: { ...troubleOf(remediation, operarius), n: 0 },
    namespace: settings.jobNamespace,
    ttlSeconds: settings.jobTtl,
    deadlineSeconds: settings.jobDeadline,
    ownServiceAccount: settings.serviceAccount,
  });
  return { operarius, ...rendered };
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

function remediationOf(alert: Alert, now: number): Remediation {
  const group = { key: '', status: alert.status, externalURL: '' };
  return { v: 1, id: 'check', receivedAt: now, group, alert };
}

function neverRuns({ metadata, data = {} }: ConfigMap): InvalidOperarius {
  const found = Object.keys(data).slice(0, 5).join(', ') || 'none';
  return new InvalidOperarius(
    `ConfigMap ${metadata.namespace}/${metadata.name} would never run: no key of its data is the alertname of its name (found ${found})`,
  );
}

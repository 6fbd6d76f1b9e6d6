import { randomUUID } from 'node:crypto';
import { troubleOf } from '@openfero/core/identity/trouble';
import { type Operarius, readOperarius } from '@openfero/core/operarius';
import { DEFAULT_POLICY, type Policy } from '@openfero/core/operarius/policy';
import { RejectedAlert, readAlert } from '@openfero/core/read-alert';
import { PAYLOAD_VERSION, type Remediation } from '@openfero/core/redis/remediation';
import { render } from '@openfero/core/render';
import { type Alerts, alertname, alertOf } from './alerts.ts';
import { operariiIn } from './operarii.ts';

/** The default policy without limits, as in all benchmarks. */
const POLICY: Policy = { ...DEFAULT_POLICY, maxActive: 0 };

/** The payloads that a receiver would write to Redis. */
export function remediationsOf(alerts: Alerts): Remediation[] {
  return Array.from({ length: alerts.count }, (_, index) => remediationOf(alerts, index));
}

/** The Jobs that a worker would create in the namespace, as request bodies. */
export function jobBodiesOf(alerts: Alerts, namespace: string): string[] {
  const operarii = readAll(namespace, alerts.operarii);
  return remediationsOf(alerts).map((remediation, index) => {
    const operarius = operarii[index % alerts.operarii];
    if (operarius === undefined) throw new Error('the alert has no operarius');
    return jobBody(operarius, remediation, namespace);
  });
}

function jobBody(operarius: Operarius, remediation: Remediation, namespace: string): string {
  const identity = { ...troubleOf(remediation, operarius), n: 0 };
  const hour = 3600;
  const { job } = render({
    ownServiceAccount: undefined,
    ...{ operarius, remediation, identity, namespace },
    ttlSeconds: hour,
    deadlineSeconds: hour,
  });
  return JSON.stringify(job);
}

function readAll(namespace: string, count: number): Operarius[] {
  return operariiIn(namespace, count).map((configMap, index) => {
    const operarius = readOperarius(configMap, alertname(index), POLICY);
    if (operarius === undefined) throw new Error('the operarius of the benchmark is invalid');
    return operarius;
  });
}

function remediationOf(alerts: Alerts, index: number): Remediation {
  const reading = { groupStatus: undefined, receivedAt: Date.now(), warn() {} };
  const alert = readAlert(alertOf(alerts, index), reading);
  if (alert instanceof RejectedAlert) {
    throw new Error(`the alert of the benchmark is invalid: ${alert.reason}`);
  }
  return {
    v: PAYLOAD_VERSION,
    id: randomUUID(),
    receivedAt: Date.now(),
    group: {
      key: `{}:{lot="${alerts.lot}",number="${index}"}`,
      status: 'firing',
      externalURL: 'http://alertmanager.example.com',
    },
    alert,
  };
}

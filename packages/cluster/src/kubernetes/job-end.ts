import { isObject, type JsonObject } from '@openfero/core/kubernetes';
import { ANNOTATIONS, LABELS } from '@openfero/core/labels';
import { readTraceparent } from '@openfero/core/traceparent';
import type { JobEnd, JobOrigin } from '../cluster.ts';
import { objectAt, stringAt } from '../json.ts';
import { hasHadPods } from './job-pods.ts';

/** Reads what a Job was created for from what render wrote. Empty where a person has removed it. */
export function createdFor(job: JsonObject): JobOrigin {
  const metadata = objectAt(job, 'metadata');
  const labels = objectAt(metadata, 'labels');
  const annotations = objectAt(metadata, 'annotations');
  const traceparent = readTraceparent(annotations[ANNOTATIONS.traceparent]);
  return {
    createdAt: timeAt(metadata, 'creationTimestamp') ?? 0,
    remediation: stringAt(annotations, ANNOTATIONS.remediation) ?? '',
    alertname: stringAt(annotations, ANNOTATIONS.alertname) ?? '',
    startsAt: stringAt(annotations, ANNOTATIONS.startsAt) ?? '',
    fingerprint: stringAt(labels, LABELS.fingerprint) ?? '',
    status: stringAt(labels, LABELS.status) ?? '',
    namespace: variableOf(job, 'OPENFERO_NAMESPACE'),
    groupKey: variableOf(job, 'OPENFERO_META_GROUP_KEY'),
    ...(traceparent !== undefined && { traceparent }),
  };
}

/** Characters that are kept of a value: enough for a line of the log. */
const KEPT_VALUE = 200;

/** The value of a variable that render gave to every container; empty where there is none. */
function variableOf(job: JsonObject, name: string): string {
  const { containers } = objectAt(objectAt(objectAt(job, 'spec'), 'template'), 'spec');
  const [container] = Array.isArray(containers) ? containers : [];
  const { env } = isObject(container) ? container : {};
  const variable = Array.isArray(env)
    ? env.find((one) => stringAt(one, 'name') === name)
    : undefined;
  return (stringAt(variable, 'value') ?? '').replaceAll('$$', '$').slice(0, KEPT_VALUE);
}

/**
 * How a finished Job ended, by its condition. Without one it is being deleted: with a finalizer whose
 * controller is gone it stays, and nobody will say more.
 */
export function endOf(job: JsonObject): Pick<JobEnd, 'fate' | 'reason' | 'endedAt'> {
  const { conditions } = objectAt(job, 'status');
  const all = Array.isArray(conditions) ? conditions.filter(isObject) : [];
  const condition = (type: string): JsonObject | undefined =>
    all.find((one) => one['type'] === type && one['status'] === 'True');
  const failed = condition('Failed');
  const ended = failed ?? condition('Complete');
  if (ended === undefined) {
    const deletedAt = timeAt(objectAt(job, 'metadata'), 'deletionTimestamp') ?? 0;
    return { fate: 'deleted', reason: '', endedAt: deletedAt };
  }
  return {
    fate: failed === undefined ? 'succeeded' : 'failed',
    reason: failed === undefined ? '' : failureOf(failed, job),
    endedAt: timeAt(ended, 'lastTransitionTime') ?? 0,
  };
}

/** The reason of the condition. A Job that could never start did not take too long. */
function failureOf(failed: JsonObject, job: JsonObject): string {
  const reason = stringAt(failed, 'reason') ?? '';
  const isUnstarted = reason === 'DeadlineExceeded' && !hasHadPods(job);
  return isUnstarted ? `${reason}: no pod of the Job was ever created` : reason;
}

function timeAt(object: JsonObject, field: string): number | undefined {
  const time = Date.parse(stringAt(object, field) ?? '');
  return Number.isNaN(time) ? undefined : time;
}

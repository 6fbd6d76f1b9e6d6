import type { JsonObject } from '@openfero/core/kubernetes';
import { ANNOTATIONS, LABELS } from '@openfero/core/labels';
import { readTraceparent } from '@openfero/core/traceparent';
import type { JobOrigin } from './cluster.ts';
import { objectAt, stringAt, timeAt, valueIn } from './json.ts';

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
    definition: stringAt(annotations, ANNOTATIONS.definition) ?? '',
    fingerprint: stringAt(labels, LABELS.fingerprint) ?? '',
    status: stringAt(labels, LABELS.status) ?? '',
    namespace: variableOf(job, 'OPENFERO_NAMESPACE'),
    groupKey: variableOf(job, 'OPENFERO_META_GROUP_KEY'),
    ...(traceparent !== undefined && { traceparent }),
  };
}

/** Characters that are kept of a value: enough for a line of the log. */
const KEPT_VALUE = 200;

/** The value of a variable that render gave to every container, cut; empty where there is none. */
export function variableOf(job: JsonObject, name: string, length = KEPT_VALUE): string {
  const { containers } = objectAt(objectAt(objectAt(job, 'spec'), 'template'), 'spec');
  const [container] = Array.isArray(containers) ? containers : [];
  return (valueIn([container], name) ?? '').replaceAll('$$', '$').slice(0, length);
}

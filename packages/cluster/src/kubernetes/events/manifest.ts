import { EVENT_TYPES } from '../../cluster.ts';
import type { Series } from './correlator.ts';

/** An Event of core/v1, as `kubectl describe configmap` shows it. */
interface EventManifest {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly [field: string]: unknown;
}

/** Bytes: the limit of events.k8s.io/v1. */
const MAX_MESSAGE = 1024;

/** Characters of an object's name. */
const MAX_NAME = 253;

const COMPONENT = 'openfero-worker';

/**
 * The Event of a series.
 *
 * @param instance name of this worker
 * @param suffix lower-case letters and digits that no other Event on this ConfigMap has
 */
export function manifestOf(series: Series, instance: string, suffix: string): EventManifest {
  const { object, reason, first } = series;
  const { name, namespace, uid } = object;
  const { involvedObject, ...changing } = patchOf(series);
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: nameOf(name, suffix), namespace },
    involvedObject: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name,
      namespace,
      uid,
      ...involvedObject,
    },
    type: EVENT_TYPES[reason],
    reason,
    source: { component: COMPONENT },
    reportingComponent: COMPONENT,
    reportingInstance: instance,
    firstTimestamp: new Date(first).toISOString(),
    ...changing,
  };
}

/** The fields that change while a series continues. */
export function patchOf({ object, message, count, last }: Series) {
  const { resourceVersion } = object;
  return {
    // The version that it was about last: `openfero stop` compares it.
    involvedObject: { resourceVersion },
    message: cleanMessage(message),
    count,
    lastTimestamp: new Date(last).toISOString(),
  };
}

/** `<object>.<suffix>`, as in client-go. The name of the object is cut where both are too long. */
function nameOf(object: string, suffix: string): string {
  const start = object.slice(0, MAX_NAME - 1 - suffix.length).replace(/[^a-z0-9]+$/, '');
  return `${start}.${suffix}`;
}

/** Without control characters: parts of it come from alerts, and it is shown in terminals. */
function cleanMessage(message: string): string {
  const clean = message.replace(/\p{Cc}+/gu, ' ').toWellFormed();
  const bytes = Buffer.from(clean);
  if (bytes.length <= MAX_MESSAGE) return clean;
  // `stream` drops a character that was cut in two.
  return new TextDecoder().decode(bytes.subarray(0, MAX_MESSAGE), { stream: true });
}

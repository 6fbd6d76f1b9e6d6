import { isObject, type JsonObject } from '@openfero/core/kubernetes';
import { oneLine } from '@openfero/core/one-line';
import { objectAt, stringAt } from '../json.ts';
import type { Api } from './http/api.ts';
import { parsePage } from './watch/changes.ts';

/** Whether a Job has, or has had, a pod: one that waits for a node or an image is there. */
export function hasHadPods(job: JsonObject): boolean {
  const status = objectAt(job, 'status');
  return ['active', 'succeeded', 'failed', 'terminating'].some(
    (field) => typeof status[field] === 'number' && status[field] > 0,
  );
}

/** Events about one Job: the controller counts up the same one. */
const MAX_EVENTS = '50';

/** Creates what reads, from the Events about a Job, why it has no pods. */
export function createWhyNoPods(
  api: Pick<Api, 'read'>,
  namespace: string,
): (job: { readonly uid: string }) => Promise<string | undefined> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;
  return async ({ uid }) => {
    const query = { fieldSelector: `involvedObject.uid=${uid}`, limit: MAX_EVENTS };
    const events = parsePage(await api.read('list', path, query)).items.filter(isObject);
    const [last] = events
      .filter((event) => event['type'] === 'Warning' || event['reason'] === 'Suspended')
      .sort((a, b) => timeOf(b).localeCompare(timeOf(a)));
    if (last === undefined) return undefined;
    const [reason, message] = ['reason', 'message'].map((field) => stringAt(last, field) ?? '');
    return oneLine(`${reason}: ${message}`);
  };
}

/** When it was seen last: ISO 8601 in UTC, which sorts as text. Which field holds it depends on its author. */
function timeOf(event: JsonObject): string {
  return (
    stringAt(event['series'], 'lastObservedTime') ??
    stringAt(event, 'lastTimestamp') ??
    stringAt(event, 'eventTime') ??
    ''
  );
}

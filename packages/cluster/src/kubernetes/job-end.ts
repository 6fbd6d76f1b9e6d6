import { isObject, type JsonObject } from '@openfero/core/kubernetes';
import type { JobEnd } from '../cluster.ts';
import { objectAt, stringAt, timeAt } from '../json.ts';
import { hasHadPods } from './job-pods.ts';

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

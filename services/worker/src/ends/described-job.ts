import type { Cluster, JobOfOperarius, JobOrigin } from '@openfero/cluster/cluster';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { labelValue } from '@openfero/core/labels';

/** What every line about a Job has: its remediation has the same fields. */
export function describeJob(job: JobOfOperarius & JobOrigin): object {
  const { name, operarius, remediation, alertname, fingerprint, status } = job;
  // Left out where it is empty, as in the lines of remediations.
  const [namespace, groupKey] = [job.namespace || undefined, job.groupKey || undefined];
  return { job: name, operarius, alertname, namespace, status, fingerprint, groupKey, remediation };
}

/**
 * The ConfigMap that a Job is of, if it exists.
 *
 * @param label as the Job has it: cut and hashed where the name is long
 */
export function configMapOf(
  label: string,
  operarii: Pick<Cluster['operarii'], 'get' | 'all'>,
): ConfigMap | undefined {
  return (
    operarii.get(label) ??
    [...operarii.all()].find(({ metadata }) => labelValue(metadata.name) === label)
  );
}

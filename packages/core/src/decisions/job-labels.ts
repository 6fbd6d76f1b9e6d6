import type { Texts } from '../alert.ts';

/**
 * Where alerts about Jobs and their Pods name them. Prometheus renames what a target reports to
 * `exported_...` where the target itself has such a label: kube-state-metrics without honorLabels.
 */
const NAME_LABELS = [
  ...['exported_job_name', 'job_name', 'exported_job', 'job', 'exported_pod', 'pod'],
] as const;
const NAMESPACE_LABELS = ['exported_namespace', 'namespace'] as const;

/** What a Job's controller appends to the name of its Pods, with an index or without. */
const POD_SUFFIX = /(?:-\d+)?-[a-z0-9]{5}$/;

/** Every name that the labels may give a Job, the Job of a Pod included. */
export function jobNamesIn(labels: Texts): readonly string[] {
  const names = NAME_LABELS.flatMap((label) => {
    const name = labels[label];
    return name === undefined || name === '' ? [] : [name];
  });
  return [...names, ...names.map((name) => name.replace(POD_SUFFIX, ''))];
}

/** Whether what the labels are about can be in the namespace: a missing label is no proof that it is not. */
export function mayBeIn(namespace: string, labels: Texts): boolean {
  const label = NAMESPACE_LABELS.find((each) => labels[each] !== undefined && labels[each] !== '');
  return label === undefined || labels[label] === namespace;
}

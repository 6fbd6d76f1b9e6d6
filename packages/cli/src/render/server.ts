import { ClusterError } from '@openfero/cluster/cluster';
import type { ClusterOnDemand } from '@openfero/cluster/kubernetes/on-demand';
import { isRejection } from '@openfero/cluster/rejection';
import { isObject, type JobManifest } from '@openfero/core/kubernetes';
import { type ClusterOptions, withCluster } from '../cluster.ts';
import type { Terminal } from '../terminal.ts';

/** The Jobs as the API server would store them. It prints its warnings, and why it takes one not. */
export function asStored(
  jobs: readonly JobManifest[],
  options: ClusterOptions,
  env: Terminal['env'],
  terminal: Terminal,
): Promise<readonly object[]> {
  return withCluster(options, env, async ({ cluster }) => {
    const stored: object[] = [];
    for (const job of jobs) stored.push(...(await storedAs(job, cluster, terminal)));
    return stored;
  });
}

async function storedAs(
  job: JobManifest,
  cluster: ClusterOnDemand,
  terminal: Terminal,
): Promise<object[]> {
  const { name, namespace } = job.metadata;
  try {
    const { object, warnings } = await cluster.jobs(namespace).dryRun(job);
    for (const text of warnings) terminal.err(`warning: ${text}`);
    return isObject(object) ? [withoutFields(object)] : [];
  } catch (error) {
    if (!(error instanceof ClusterError) || !isRejection(error)) throw error;
    terminal.err(`no Job ${name}: the API server rejects it: ${error.message}`);
    return [];
  }
}

/** Which field is whose is as long as the Job, and tells nobody anything. */
function withoutFields(object: object): object {
  const copy = structuredClone(object);
  if ('metadata' in copy && isObject(copy.metadata)) delete copy.metadata['managedFields'];
  return copy;
}

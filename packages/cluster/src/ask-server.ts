import type { JobManifest } from '@openfero/core/kubernetes';
import { type Finding, findingOfServer } from '@openfero/core/operarius';
import type { Jobs } from './cluster.ts';

/**
 * What an API server warns of when it would take a Job: it stores nothing.
 *
 * @param place what the findings are about
 * @throws {ClusterError} where it does not take it, or gives no verdict
 */
export async function askServer(
  job: JobManifest,
  place: string,
  jobs: Pick<Jobs, 'create' | 'enforcedPodSecurity'>,
): Promise<Finding[]> {
  const warnings = await jobs.create(job, { dryRun: true });
  const enforced = warnings.length > 0 ? await jobs.enforcedPodSecurity() : undefined;
  return warnings.map((text) => findingOfServer(text, place, enforced));
}

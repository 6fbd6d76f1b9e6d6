import type { Logger } from '@openfero/service/log';
import type { Cluster } from '../cluster.ts';
import type { ClusterSettings, DirectorySettings } from '../settings.ts';
import { createDirectoryJobs } from './jobs.ts';
import { createDirectoryOperarii } from './operarii.ts';
import { parseSelector } from './selector.ts';

/**
 * Creates a cluster of two folders, for development and the demo: the operarii are read from one, and
 * the Jobs are written to the other.
 *
 * @throws {InvalidSetting} where the label selector cannot be parsed
 */
export async function createDirectoryCluster(
  { configMapNamespace: namespace, labelSelector }: ClusterSettings,
  folders: DirectorySettings,
  log: Logger,
): Promise<Cluster> {
  const filter = { namespace, selects: parseSelector(labelSelector) };
  const jobs = await createDirectoryJobs(folders.jobsDir, log);
  const operarii = await createDirectoryOperarii(folders.operariiDir, filter, log);
  return {
    operarii,
    jobs,
    // kubectl describes no file, and the log says the same.
    events: { record() {} },
    blocked: () => operarii.problem(),
    watchAges: () => ({ configmaps: operarii.age() }),
    async ping() {
      // A folder needs no ping.
    },
    async close() {
      operarii.close();
      jobs.close();
    },
  };
}

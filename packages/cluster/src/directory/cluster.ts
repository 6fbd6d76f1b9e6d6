import type { Logger } from '@openfero/service/log';
import type { Cluster } from '../cluster.ts';
import type { ClusterSettings, DirectorySettings } from '../settings.ts';
import { directoryJobs } from './jobs.ts';
import { directoryOperarii } from './operarii.ts';
import { parseSelector } from './selector.ts';

/**
 * A cluster of two folders, for development and the demo: the operarii are read from one, the Jobs
 * are written to the other.
 *
 * @throws {InvalidSetting} where the selector cannot be read
 */
export async function createDirectoryCluster(
  { configMapNamespace: namespace, labelSelector }: ClusterSettings,
  folders: DirectorySettings,
  log: Logger,
): Promise<Cluster> {
  const scope = { namespace, selects: parseSelector(labelSelector) };
  const jobs = await directoryJobs(folders.jobsDir);
  const operarii = await directoryOperarii(folders.operariiDir, scope, log);
  return {
    operarii,
    jobs,
    // Nobody describes a file: the log tells the same.
    events: { record() {} },
    blocked: () => operarii.problem(),
    watchAges: () => ({ configmaps: operarii.age() }),
    async ping() {
      // Two folders always answer.
    },
    async close() {
      operarii.close();
    },
  };
}

import type { JobManifest } from '@openfero/core/kubernetes';
import type { Result } from '@openfero/core/outcome';

/**
 * Characters of JSON: twice that of the shipped example with its alert. Redis keeps a result for a day,
 * and dry runs of large alerts left 15 KB each; a manifest can have 1 MB.
 */
const LONGEST_MANIFEST = 8 * 1024;

/** What the result of a dry run shows of its Job: all of it, or that it is too large to keep. */
export function keptManifest(job: JobManifest): Pick<Result, 'manifest'> {
  const { length } = JSON.stringify(job);
  return {
    manifest:
      length <= LONGEST_MANIFEST
        ? job
        : `not kept: it has ${length} characters of JSON, and at most ${LONGEST_MANIFEST} are kept`,
  };
}

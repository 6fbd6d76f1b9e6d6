import { type Cluster, ClusterError } from '@openfero/cluster/cluster';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { verdict } from '../remediation/verdict.ts';
import type { WorkerSettings } from '../settings.ts';
import { samplesOf } from './sample.ts';

/** What is known of a definition before an alert comes. */
export interface Judgement {
  /** Why it cannot run; undefined where it can. */
  readonly problem?: string;
  readonly warnings: readonly string[];
}

/** A Pod that violates it is never started, though the Job is created. */
const NEVER_STARTS = /^would violate PodSecurity/;

/**
 * Judges a definition: read, rendered for a sample alert, and asked of the API server as a dry run.
 *
 * @throws {ClusterError} where the server could not tell: to be asked again
 */
export async function judge(
  configMap: ConfigMap,
  { cluster, settings }: { readonly cluster: Cluster; readonly settings: WorkerSettings },
): Promise<Judgement> {
  try {
    const warnings: string[] = [];
    for (const sample of samplesOf(configMap, settings, Date.now())) {
      const more = await cluster.jobs.create(sample.job, { dryRun: true });
      warnings.push(...sample.operarius.warnings, ...sample.warnings, ...more);
    }
    const never = warnings.find((warning) => NEVER_STARTS.test(warning));
    return { warnings, ...(never !== undefined && { problem: `its Pods cannot start: ${never}` }) };
  } catch (error) {
    const then = verdict(error);
    if (then.kind !== 'terminal') throw error;
    const who = error instanceof ClusterError ? 'the API server refuses it: ' : '';
    return { problem: who + then.message, warnings: [] };
  }
}

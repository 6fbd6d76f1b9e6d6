import { type Cluster, ClusterError } from '@openfero/cluster/cluster';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { verdictOn } from '../remediation/verdict.ts';
import type { WorkerSettings } from '../settings.ts';
import { renderSamples } from './sample.ts';

/** What is known of a definition before an alert comes. */
export interface CheckResult {
  /** Why it cannot run; undefined where it can. */
  readonly problem?: string;
  readonly warnings: readonly string[];
}

/** A Pod that violates it is never started, though the Job is created. */
const NEVER_STARTS = /^would violate PodSecurity/;

/**
 * Checks a definition: parses it, renders it for a sample alert, and sends the Job to the API server
 * as a dry run.
 *
 * @throws {ClusterError} where the API server gave no verdict: check it again later
 */
export async function dryRunOperarius(
  configMap: ConfigMap,
  { cluster, settings }: { readonly cluster: Cluster; readonly settings: WorkerSettings },
): Promise<CheckResult> {
  const jobSettings = { ...settings, ownServiceAccount: cluster.serviceAccount };
  try {
    const warnings: string[] = [];
    for (const sample of renderSamples(configMap, settings.policy, jobSettings, Date.now())) {
      const more = await cluster.jobs.create(sample.job, { dryRun: true });
      warnings.push(...sample.operarius.warnings, ...sample.warnings, ...more);
    }
    const never = warnings.find((warning) => NEVER_STARTS.test(warning));
    return { warnings, ...(never !== undefined && { problem: `its Pods cannot start: ${never}` }) };
  } catch (error) {
    const verdict = verdictOn(error);
    if (verdict.kind !== 'terminal') throw error;
    const source = error instanceof ClusterError ? 'the API server rejects it: ' : '';
    return { problem: source + verdict.message, warnings: [] };
  }
}

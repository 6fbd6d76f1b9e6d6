import { askServer } from '@openfero/cluster/ask-server';
import { type Cluster, ClusterError } from '@openfero/cluster/cluster';
import { refuseSeveral, trackAnnotated } from '@openfero/core/decisions/annotated';
import type { ConfigMap } from '@openfero/core/kubernetes';
import {
  type Finding,
  InvalidOperarius,
  listed,
  type Subject,
  subjectOf,
  warning,
} from '@openfero/core/operarius';
import { renderSamples, type Sample } from '@openfero/core/render/sample';
import { verdictOn } from '../remediation/verdict.ts';
import type { WorkerSettings } from '../settings.ts';

/** What is known of a definition before an alert comes. */
export type CheckResult =
  /** Why it cannot run; `neverStarts` where an API server would take its Job all the same. */
  | { readonly problem: string; readonly neverStarts?: boolean }
  /** For which alerts it runs, and what its author should know all the same. */
  | {
      readonly problem: undefined;
      readonly runsFor: string;
      readonly findings: readonly Finding[];
    };

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
    const subject = subjectOf(configMap);
    const annotated = trackAnnotated(cluster.operarii);
    for (const alertname of subject.alertnames) {
      const { status } = subject;
      refuseSeveral(annotated.for(alertname, status), { labels: { alertname }, status });
    }
    const findings: Finding[] = [];
    for (const sample of renderSamples(configMap, settings.policy, jobSettings, Date.now())) {
      findings.push(...(await findingsOf(sample, cluster.jobs)));
    }
    const errors = findings.filter(({ severity }) => severity === 'error');
    if (errors.length > 0) {
      return { problem: new InvalidOperarius(errors).message, neverStarts: true };
    }
    return { problem: undefined, runsFor: runsFor(subject), findings };
  } catch (error) {
    const verdict = verdictOn(error);
    if (verdict.kind !== 'terminal') throw error;
    const source = error instanceof ClusterError ? 'the API server rejects it: ' : '';
    return { problem: source + verdict.message };
  }
}

async function findingsOf(
  { operarius, warnings, job }: Sample,
  jobs: Cluster['jobs'],
): Promise<Finding[]> {
  const place = `ConfigMap ${operarius.namespace}/${operarius.name}`;
  return [
    ...operarius.findings,
    // Of a sample, which is small, rendering can only say that the Job would be deleted too soon.
    ...warnings.map((text) => warning('short-ttl', place, text)),
    ...(await askServer(job, place, jobs)),
  ];
}

function runsFor({ status, alertnames, exact }: Subject): string {
  const spelled = exact ? '' : ', in upper or lower case';
  return `${status} alerts ${listed(alertnames)}${spelled}`;
}

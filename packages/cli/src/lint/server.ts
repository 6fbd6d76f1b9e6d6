import { askServer } from '@openfero/cluster/ask-server';
import { ClusterError } from '@openfero/cluster/cluster';
import type { ClusterOnDemand } from '@openfero/cluster/kubernetes/on-demand';
import { isRejection } from '@openfero/cluster/rejection';
import { type Linted, type LintSettings, lint, readOperarii } from '@openfero/core/lint';
import type { Definition, Source } from '@openfero/core/lint/documents';
import { sampleJobs } from '@openfero/core/lint/sample-jobs';
import { below, error, type Finding, inField } from '@openfero/core/operarius';
import { type ClusterOptions, withCluster } from '../cluster.ts';
import type { Terminal } from '../terminal.ts';

/** Checks operarii, and asks an API server whether it would take their Jobs: what it would store is not. */
export function lintOnServer(
  sources: readonly Source[],
  settings: LintSettings,
  options: ClusterOptions,
  env: Terminal['env'],
): Promise<Linted> {
  return withCluster(options, env, async ({ cluster, namespace }) => {
    const operarii = readOperarii(sources, settings, namespace);
    const found = new Map<Definition, readonly Finding[]>();
    for (const definition of operarii.definitions) {
      found.set(definition, await findingsOf(definition, settings, cluster));
    }
    return lint(operarii, settings, found);
  });
}

async function findingsOf(
  definition: Definition,
  settings: LintSettings,
  cluster: ClusterOnDemand,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { key, job } of sampleJobs(definition, settings)) {
    const jobs = cluster.jobs(job.metadata.namespace);
    const ofJob = await askServer(job, '', jobs).catch(rejected);
    findings.push(...below(`data.${key}`, ofJob));
  }
  return findings;
}

/** The first field that the API server names: `Job.batch "x" is invalid: [spec.template...: Required value, ...]`. */
const FIELD = /is invalid: \[?([a-z]\w*(?:[.[][\w\]]+)*): /;

function rejected(thrown: unknown): Finding[] {
  if (!(thrown instanceof ClusterError) || !isRejection(thrown)) throw thrown;
  const { message } = thrown;
  const finding = error('rejected', '', `the API server rejects the Job: ${message}`);
  return [inField(FIELD.exec(message)?.[1] ?? '', finding)];
}

import type { LogLine } from '@openfero/testkit/process';
import type { DemoCluster } from './cluster.ts';
import type { Demo } from './start.ts';

/**
 * Prints the alert, its outcome and the Job.
 *
 * @param ended the worker's log line about the outcome
 * @throws if there is no Job
 */
export async function printOutcome(cluster: DemoCluster, ended: LogLine): Promise<void> {
  const { outcome, alertname, status, reason, job, warnings } = ended;
  console.log(`
  alert     ${alertname} (${status}), from test/alerts.json
  outcome   ${outcome}`);
  if (outcome !== 'created') throw new Error(`no Job was created: ${reason}`);
  const { where, yaml } = await cluster.job(String(job));
  if (Array.isArray(warnings)) console.log(`  warnings  ${warnings.join('; ')}`);
  console.log(`  Job       ${where}\n\n${yaml.trimEnd().replace(/^/gm, '    ')}\n`);
}

/** Prints what to look at and what to try next. */
export function printNextSteps({ receiverUrl, dashboardUrl }: Demo, { hints }: DemoCluster): void {
  const post = `curl -X POST -H "Content-Type: application/json" -d`;
  console.log(`  dashboard ${dashboardUrl}
  metrics   http://localhost:8081/metrics
${hints.map((hint) => `  ${hint}`).join('\n')}

  Send the same alert again. No second Job starts, because this alert already has one:
    ${post} @./test/alerts.json ${receiverUrl}/alerts

  Send the alert for another cluster, prod. It starts a Job of its own:
    sed s/dev-dmz/prod/ test/alerts.json | ${post} @- ${receiverUrl}/alerts

  Press Ctrl-C to stop.
`);
}

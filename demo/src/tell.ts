import type { LogLine } from '@openfero/testkit/process';
import type { Stage } from './stage.ts';
import type { Demo } from './start.ts';

/**
 * Tells what became of the alert.
 *
 * @param ended the worker's log line about it
 * @throws where it did not end in a Job
 */
export async function tellOutcome(stage: Stage, ended: LogLine): Promise<void> {
  const { outcome, alertname, status, reason, job, warnings } = ended;
  console.log(`
  alert     ${alertname} (${status}), from test/alerts.json
  outcome   ${outcome}`);
  if (outcome !== 'created') throw new Error(`there is no Job: ${reason}`);
  const { where, yaml } = await stage.job(String(job));
  if (Array.isArray(warnings)) console.log(`  warnings  ${warnings.join('; ')}`);
  console.log(`  Job       ${where}\n\n${yaml.trimEnd().replace(/^/gm, '    ')}\n`);
}

/** Tells what a person may want to do now. */
export function tellWhatNext({ receiverUrl, dashboardUrl }: Demo, { hints }: Stage): void {
  const post = `curl -X POST -H "Content-Type: application/json" -d`;
  console.log(`  dashboard ${dashboardUrl}
  metrics   http://localhost:8081/metrics
${hints.map((hint) => `  ${hint}`).join('\n')}

  Send it again: nothing new starts, since this episode of the alert has its Job.
    ${post} @./test/alerts.json ${receiverUrl}/alerts

  Send another one, of cluster prod:
    sed s/dev-dmz/prod/ test/alerts.json | ${post} @- ${receiverUrl}/alerts

  Ctrl-C ends it.
`);
}

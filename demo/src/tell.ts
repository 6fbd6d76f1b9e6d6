import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogLine } from '@openfero/testkit/process';
import type { Demo } from './start.ts';

/**
 * Tells what became of the alert.
 *
 * @param ended the worker's log line about it
 * @throws where it did not end in a Job
 */
export async function tellOutcome(demo: Demo, ended: LogLine): Promise<void> {
  const { outcome, alertname, status, reason, job } = ended;
  console.log(`
  alert     ${alertname} (${status}), from test/alerts.json
  outcome   ${outcome}`);
  if (outcome !== 'created') throw new Error(`there is no Job: ${reason}`);
  const file = join(demo.folder, 'jobs', `${job}.yaml`);
  const yaml = await readFile(file, 'utf8');
  console.log(`  Job       ${file}\n\n${yaml.trimEnd().replace(/^/gm, '    ')}\n`);
}

/** Tells what a person may want to do now. */
export function tellWhatNext({ folder, receiverUrl, dashboardUrl }: Demo): void {
  const post = `curl -X POST -H "Content-Type: application/json" -d`;
  console.log(`  dashboard ${dashboardUrl}
  metrics   http://localhost:8081/metrics
  operarii  ${join(folder, 'operarii')}   put a ConfigMap of your own here

  Send it again: nothing new starts, since this episode of the alert has its Job.
    ${post} @./test/alerts.json ${receiverUrl}/alerts

  Send another one, of cluster prod:
    sed s/dev-dmz/prod/ test/alerts.json | ${post} @- ${receiverUrl}/alerts

  Ctrl-C ends it; the folder stays.
`);
}

import { join } from 'node:path';
import type { LogLine } from '@openfero/testkit/process';
import { BROKEN_OPERARIUS, type DemoCluster } from './cluster.ts';
import type { Example } from './examples.ts';
import type { Demo } from './start.ts';

export function printStart(): void {
  console.log(`
Starting Redis, a receiver, a worker and a dashboard on this machine.
The worker checks each operarius: a ConfigMap that contains the Job for an alert.
`);
}

/** Prints where everything is. */
export function printPlaces(demo: Demo, cluster: DemoCluster): void {
  console.log(`
OpenFero is running:

  receiver   ${demo.receiverUrl}/alerts
  worker     ${demo.workerUrl}/metrics
  dashboard  ${demo.dashboardUrl}
  operarii   ${cluster.operarii}
  Jobs       ${cluster.jobs}

  ${cluster.note}`);
}

/** Prints what the Job of an alert contains. */
export async function printJob(cluster: DemoCluster, { job }: LogLine): Promise<void> {
  const { where, yaml } = await cluster.job(String(job));
  const variables = [...yaml.matchAll(/- name: (OPENFERO_(?!META)\w+)\n +value: (.*)/g)];
  console.log(`
  The labels of the alert are environment variables of the Job:

${variables.map(([, name, value]) => `    ${name}=${value}`).join('\n')}

  The whole Job: ${where}`);
}

/** Prints how to fix the operarius that has a mistake, and run its Job. */
export function printFix(demo: Demo, cluster: DemoCluster, { file }: Example): void {
  const failed = `${demo.dashboardUrl}/queue/queue/remediations?status=failed`;
  const steps = [
    ['Change "30 minutes" to 30m in', join(cluster.operarii, BROKEN_OPERARIUS)],
    ...(cluster.apply === undefined ? [] : [['Run', cluster.apply]]),
    ['Wait until a line here says that the operarius is valid.'],
    [`Press the retry button at ${failed}`, 'or send the alert again:', postCommand(demo, file)],
  ];
  console.log(`
  This fails on purpose. To fix it, use a second terminal in this folder:

${steps.map((lines, index) => `  ${'abcd'[index]}. ${lines.join('\n     ')}`).join('\n')}`);
}

/** Prints what to try while the demo runs. */
export function printNextSteps(demo: Demo, cluster: DemoCluster, { file }: Example): void {
  console.log(`
More to try while the demo runs:

  Send the first alert for another cluster, prod. It is another problem, so it gets its own Job:
     sed s/dev-dmz/prod/ ${file} | ${postCommand(demo, '-')}

  Change an operarius, or save your own as a .yaml file in the same folder:
     ${[cluster.operarii, cluster.apply].filter(Boolean).join('\n     ')}

The outcomes appear here. Press Ctrl-C to stop.

See what became of each alert, and have the Job that failed run again:

  ${demo.dashboardUrl}
`);
}

/** Prints how to go on after `--once`. */
export function printLast(): void {
  console.log(`
  This fails on purpose: "30 minutes" must be 30m.
  Without --once, the demo keeps running, and you can fix the operarius and try again.
`);
}

/** The command that sends a file to the receiver, from the folder of the repository. */
function postCommand({ receiverUrl }: Demo, file: string): string {
  return `curl -X POST -H "Content-Type: application/json" -d @${file} ${receiverUrl}/alerts`;
}

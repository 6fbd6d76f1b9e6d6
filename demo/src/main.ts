import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { messageOf } from '@openfero/core/errors';
import { controlPlaneCluster, type DemoCluster, directoryCluster } from './cluster.ts';
import { printNextSteps, printOutcome } from './print.ts';
import { assertPortsFree, type Demo, startDemo } from './start.ts';

const ALERTS = fileURLToPath(new URL('../../test/alerts.json', import.meta.url));

/** Milliseconds that the outcome may take; it takes about 50. */
const OUTCOME_LIMIT = 10_000;

/**
 * `npm run demo`: starts OpenFero on this machine, sends one alert, prints the Job, and keeps running.
 *
 * `--once` stops after the outcome. `--control-plane` uses a real API server.
 */
async function main(args: readonly string[]): Promise<void> {
  const once = args.includes('--once');
  const stop = interrupted();
  await assertPortsFree();
  const cluster = await (args.includes('--control-plane')
    ? controlPlaneCluster()
    : directoryCluster());
  try {
    const demo = await startDemo(cluster);
    try {
      await sendAlert(demo, cluster);
      if (!once) {
        printNextSteps(demo, cluster);
        await stop;
      }
    } finally {
      await demo.stop();
    }
  } finally {
    await cluster.stop();
    if (once) await cluster.clear();
  }
}

/** Sends the alert and prints its outcome. */
async function sendAlert(demo: Demo, cluster: DemoCluster): Promise<void> {
  const notification = await readFile(ALERTS, 'utf8');
  const ended = demo.worker.waitForLine((line) => line['outcome'] !== undefined, OUTCOME_LIMIT);
  await post(demo.receiverUrl, notification);
  await printOutcome(cluster, await ended);
}

async function post(url: string, body: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/alerts`, { method: 'POST', headers, body });
  if (!response.ok) {
    throw new Error(`the receiver answered ${response.status}: ${await response.text()}`);
  }
}

/** Resolves on Ctrl-C, or when npm's shell ends: npm does not pass SIGTERM on to its child. */
function interrupted(): Promise<void> {
  const parent = process.ppid;
  return new Promise((resolve) => {
    const watch = setInterval(() => process.ppid !== parent && done(), 500);
    watch.unref();
    const done = (): void => {
      clearInterval(watch);
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, done);
  });
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`The demo failed: ${messageOf(error)}`);
  process.exitCode = 1;
}

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { messageOf } from '@openfero/core/errors';
import { controlPlaneStage, directoryStage, type Stage } from './stage.ts';
import { assertPortsFree, type Demo, startDemo } from './start.ts';
import { tellOutcome, tellWhatNext } from './tell.ts';

const ALERTS = fileURLToPath(new URL('../../test/alerts.json', import.meta.url));

/** Milliseconds from the alert to its outcome; it takes about 50. */
const OUTCOME_LIMIT = 10_000;

/**
 * `npm run demo`: all of OpenFero on this machine, one alert through it, and then it serves.
 *
 * `--once` ends with the outcome; `--control-plane` plays on a real API server.
 */
async function main(args: readonly string[]): Promise<void> {
  const once = args.includes('--once');
  const stop = interrupted();
  await assertPortsFree();
  const stage = await (args.includes('--control-plane') ? controlPlaneStage() : directoryStage());
  try {
    const demo = await startDemo(stage);
    try {
      await play(demo, stage);
      if (!once) {
        tellWhatNext(demo, stage);
        await stop;
      }
    } finally {
      await demo.stop();
    }
  } finally {
    await stage.stop();
    if (once) await stage.clear();
  }
}

/** Sends the alert and tells what became of it. */
async function play(demo: Demo, stage: Stage): Promise<void> {
  const notification = await readFile(ALERTS, 'utf8');
  const ended = demo.worker.waitForLine((line) => line['outcome'] !== undefined, OUTCOME_LIMIT);
  await send(demo.receiverUrl, notification);
  await tellOutcome(stage, await ended);
}

async function send(url: string, body: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/alerts`, { method: 'POST', headers, body });
  if (!response.ok) {
    throw new Error(`the receiver answered ${response.status}: ${await response.text()}`);
  }
}

/** Ctrl-C, or npm's shell gone: npm does not pass SIGTERM on to what it runs. */
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

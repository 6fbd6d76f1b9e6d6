import { once } from 'node:events';
import { messageOf } from '@openfero/core/errors';
import { controlPlaneCluster, type DemoCluster, directoryCluster } from './cluster.ts';
import {
  BROKEN,
  CREATED,
  createSender,
  FAILING,
  operariiChecked,
  REPEATED,
  RESOLVED,
} from './examples.ts';
import { readable } from './line.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { createPlay, jobEnded } from './play.ts';
import { assertPortsFree } from './ports.ts';
import { printFix, printJob, printLast, printNextSteps, printPlaces, printStart } from './print.ts';
import { type Demo, type OnLine, startDemo } from './start.ts';

/**
 * `npm run demo`: starts OpenFero on this machine, sends it alerts, and keeps running. Each outcome
 * is printed when it happens.
 */
async function main(args: readonly string[], stopped: AbortSignal): Promise<void> {
  const options = readOptions(args);
  if (options === undefined) {
    process.stdout.write(USAGE);
    return;
  }
  await assertPortsFree(options.ports);
  const cluster = await (options.controlPlane ? controlPlaneCluster() : directoryCluster());
  try {
    await runOn(cluster, options, stopped);
  } finally {
    await cluster.stop();
    if (options.once) await cluster.clear();
    else console.log(`\nThe operarii of the demo are still in ${cluster.operarii}`);
  }
}

async function runOn(cluster: DemoCluster, options: Options, stopped: AbortSignal): Promise<void> {
  printStart();
  const print = printUntil(stopped);
  const play = createPlay(cluster);
  const demo = await startDemo(cluster, options.ports, (service, line) => {
    print(service, line);
    if (service === 'worker') play(line);
  });
  try {
    const problem = await Promise.race([demo.ended, use(demo, cluster, options, stopped)]);
    if (problem !== undefined && !stopped.aborted) throw new Error(problem);
  } finally {
    await demo.stop();
  }
}

/** Shows the examples, and waits until the user stops the demo. */
async function use(
  demo: Demo,
  cluster: DemoCluster,
  { once: isOnce }: Options,
  stopped: AbortSignal,
): Promise<undefined> {
  await operariiChecked(demo);
  printPlaces(demo, cluster);
  await showExamples(demo, cluster);
  if (isOnce) {
    printLast();
    return;
  }
  printFix(demo, cluster, BROKEN);
  printNextSteps(demo, cluster, CREATED);
  if (!stopped.aborted) await once(stopped, 'abort');
}

/** Services that stop report things that are of no interest. */
function printUntil(stopped: AbortSignal): OnLine {
  return (service, line) => {
    const text = readable(service, line);
    if (text !== undefined && !stopped.aborted) console.log(text);
  };
}

async function showExamples(demo: Demo, cluster: DemoCluster): Promise<void> {
  const send = createSender(demo);
  console.log(`\n1. ${CREATED.title}\n`);
  const created = await send(CREATED);
  await printJob(cluster, created);
  console.log(`\n2. ${REPEATED.title}\n`);
  await send(REPEATED);
  await jobEnded(demo.worker, created);
  console.log(`\n3. ${RESOLVED.title}\n`);
  await send(RESOLVED);
  console.log(`\n4. ${FAILING.title}\n`);
  await jobEnded(demo.worker, await send(FAILING));
  console.log(`\n5. ${BROKEN.title}\n`);
  await send(BROKEN);
}

/** Aborts on Ctrl-C, or when npm's shell ends: npm does not pass SIGTERM on to its child. */
function interrupted(): AbortSignal {
  const parent = process.ppid;
  const stop = new AbortController();
  const watch = setInterval(() => process.ppid !== parent && stop.abort(), 500);
  watch.unref();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => stop.abort());
  }
  return stop.signal;
}

const stopped = interrupted();
try {
  await main(process.argv.slice(2), stopped);
} catch (error) {
  // Ctrl-C reaches the services too, so that a start that it interrupts fails.
  if (!stopped.aborted) {
    console.error(`The demo failed: ${messageOf(error)}`);
    process.exitCode = 1;
  }
}

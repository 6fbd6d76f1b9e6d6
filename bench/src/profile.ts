import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { passage } from './benchmarks/pipeline.ts';
import { type Share, spentIn } from './cpuprofile.ts';
import { withCluster } from './parts/bed.ts';
import { startSystem, warmUp } from './parts/system.ts';
import { FULL } from './plan.ts';

/** Shares below it tell nothing. */
const SHOWN = 0.01;
const FUNCTIONS = 25;

/** Long beside the start, which is in the profile too. */
const JOBS = 4 * FULL.jobs;

/**
 * Takes CPU profiles of receiver and worker in the pipeline, for the developer tools of a browser, and
 * tells what the most is spent on.
 */
export async function profile(folder: string, print: (text: string) => void): Promise<void> {
  const target = resolve(folder);
  await mkdir(target, { recursive: true });
  const pids = await withCluster(async (bed) => {
    const env = { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${target}` };
    const system = await startSystem(bed, { env });
    await warmUp(bed, system, FULL.warmUp);
    const { rate, cpu } = await passage(bed, system, { count: JOBS, size: 1 });
    print(`${rate.toFixed(0)} Jobs/s with 1 alert per notification, under the profiler`);
    for (const [name, ms] of Object.entries(cpu)) print(`  ${name} ${ms.toFixed(2)} ms/Job`);
    await system.stop();
    return { receiver: system.receiver.pid, worker: system.workers[0]?.pid ?? 0 };
  });
  for (const [name, pid] of Object.entries(pids)) {
    print(await tell(name, await named(target, name, pid)));
  }
}

/** Node writes it at the process' end, with the process id in its name. */
async function named(folder: string, name: string, pid: number): Promise<string> {
  const written = (await readdir(folder)).find((file) => file.includes(`.${pid}.`));
  if (written === undefined) throw new Error(`the ${name} has left no profile in ${folder}`);
  const file = join(folder, `${name}.cpuprofile`);
  await rename(join(folder, written), file);
  return file;
}

async function tell(name: string, file: string): Promise<string> {
  const { busy, parts, functions } = spentIn(await readFile(file, 'utf8'));
  return [
    '',
    `${name}: ${(busy / 1000).toFixed(1)} s busy, of these`,
    ...lines(parts),
    `  by function`,
    ...lines(functions.slice(0, FUNCTIONS)),
    `  all of it: ${file}`,
  ].join('\n');
}

function lines(shares: readonly Share[]): string[] {
  return shares
    .filter(({ share }) => share >= SHOWN)
    .map(({ name, share }) => `  ${(share * 100).toFixed(1).padStart(6)} %  ${name}`);
}

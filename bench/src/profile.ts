import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { runPipeline } from './benchmarks/pipeline.ts';
import { type Share, spentIn } from './cpuprofile.ts';
import { startSystem, warmUp } from './parts/system.ts';
import { withClusterTestbed } from './parts/testbed.ts';
import { FULL } from './plan.ts';

/** Smaller shares are not printed. */
const SHOWN = 0.01;
const FUNCTIONS = 25;

/** Enough for the process' start, which is part of the profile, to be a small share. */
const JOBS = 4 * FULL.jobs;

/**
 * Writes CPU profiles of receiver and worker in the pipeline, for a browser's developer tools, and prints
 * where they spend their time.
 */
export async function profile(folder: string, print: (text: string) => void): Promise<void> {
  const target = resolve(folder);
  await mkdir(target, { recursive: true });
  const pids = await withClusterTestbed(async (testbed) => {
    const env = { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${target}` };
    const system = await startSystem(testbed, { env });
    await warmUp(testbed, system, FULL.warmUp);
    const { rate, cpu } = await runPipeline(testbed, system, { count: JOBS, size: 1 });
    print(`${rate.toFixed(0)} Jobs/s with 1 alert per notification, under the profiler`);
    for (const [name, ms] of Object.entries(cpu)) print(`  ${name} ${ms.toFixed(2)} ms/Job`);
    await system.stop();
    return { receiver: system.receiver.pid, worker: system.workers[0]?.pid ?? 0 };
  });
  for (const [name, pid] of Object.entries(pids)) {
    print(await summaryOf(name, await renamed(target, name, pid)));
  }
}

/** Node writes the profile when the process ends, with the process id in its name. */
async function renamed(folder: string, name: string, pid: number): Promise<string> {
  const written = (await readdir(folder)).find((file) => file.includes(`.${pid}.`));
  if (written === undefined) throw new Error(`the ${name} wrote no profile to ${folder}`);
  const file = join(folder, `${name}.cpuprofile`);
  await rename(join(folder, written), file);
  return file;
}

async function summaryOf(name: string, file: string): Promise<string> {
  const { busy, parts, functions } = spentIn(await readFile(file, 'utf8'));
  return [
    '',
    `${name}: ${(busy / 1000).toFixed(1)} s busy, by package`,
    ...lines(parts),
    '  by function',
    ...lines(functions.slice(0, FUNCTIONS)),
    `  full profile: ${file}`,
  ].join('\n');
}

function lines(shares: readonly Share[]): string[] {
  return shares
    .filter(({ share }) => share >= SHOWN)
    .map(({ name, share }) => `  ${(share * 100).toFixed(1).padStart(6)} %  ${name}`);
}

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What the kernel counts CPU time in, per second: 100 wherever anybody looked. */
const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK']));

const KIB = 1024;

/** CPU milliseconds that a process, with all of its threads, has used so far. Linux only. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name before may hold blanks and brackets of its own: fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [fields[11], fields[12]];
  return ((Number(user) + Number(system)) * 1000) / TICKS_PER_SECOND;
}

/** Bytes of memory that a process holds now. */
export function rssOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * KIB;
}

export type Pids = Readonly<Record<string, number>>;

/** CPU milliseconds of each of the processes from now until the function is called. */
export function cpuFrom(pids: Pids): () => Record<string, number> {
  const before = Object.entries(pids).map(([name, pid]) => [name, pid, cpuOf(pid)] as const);
  return () => Object.fromEntries(before.map(([name, pid, used]) => [name, cpuOf(pid) - used]));
}

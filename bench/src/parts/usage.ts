import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The kernel's unit of CPU time; 100 per second on the usual systems. */
const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK']));

const KIB = 1024;

/** CPU milliseconds of a process and its threads so far. Linux only. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The process name may contain blanks and brackets: count the fields after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [fields[11], fields[12]];
  return ((Number(user) + Number(system)) * 1000) / TICKS_PER_SECOND;
}

/** Resident memory of a process, in bytes. */
export function rssOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * KIB;
}

export type Pids = Readonly<Record<string, number>>;

/** CPU milliseconds of each process from now until the returned function is called. */
export function cpuFrom(pids: Pids): () => Record<string, number> {
  const before = Object.entries(pids).map(([name, pid]) => [name, pid, cpuOf(pid)] as const);
  return () => Object.fromEntries(before.map(([name, pid, used]) => [name, cpuOf(pid) - used]));
}

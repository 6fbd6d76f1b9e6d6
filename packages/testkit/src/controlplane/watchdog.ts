import { spawn } from 'node:child_process';

/**
 * Kills the processes and removes the folder when the test process ends for any reason: the kernel closes
 * its end of the pipe even after SIGKILL, and the shell's `read` returns. (Linux' parent-death signal does
 * half of it, and only on Linux.) A session of its own keeps Ctrl-C away. rm is repeated because a killed
 * process may still write for an instant.
 */
const SCRIPT = `
while read -r line; do pids=$line; done
[ -z "$pids" ] || kill -9 $pids 2>/dev/null
for try in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$1" 2>/dev/null && exit; sleep 0.2; done
`;

export interface Watchdog {
  /** Replaces the list of processes to kill. */
  guard(pids: readonly number[]): void;
  /** Ends the watchdog after an orderly stop. */
  dismiss(): void;
}

export function startWatchdog(folder: string): Watchdog {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'openfero-watchdog', folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.unref();
  child.stdin.on('error', () => {});
  const guard = (pids: readonly number[]) => void child.stdin.write(`${pids.join(' ')}\n`);
  return {
    guard,
    dismiss() {
      guard([]);
      child.stdin.end();
    },
  };
}

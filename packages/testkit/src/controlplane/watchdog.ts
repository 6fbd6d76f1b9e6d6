import { spawn } from 'node:child_process';

/**
 * Ends the processes and removes the folder when the test process is gone, however it went: the
 * kernel closes its end of the pipe even after a SIGKILL, and the shell's `read` returns. (Linux'
 * parent-death signal does half of it and only there.) A session of its own keeps it out of Ctrl-C.
 * rm is repeated because a killed process may still be writing for an instant.
 */
const SCRIPT = `
while read -r line; do pids=$line; done
[ -z "$pids" ] || kill -9 $pids 2>/dev/null
for try in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$1" 2>/dev/null && exit; sleep 0.2; done
`;

export interface Watchdog {
  /** All processes that must not outlive us, from now on. */
  guard(pids: readonly number[]): void;
  /** After an orderly end: nothing is left to guard. */
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

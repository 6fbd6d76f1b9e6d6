import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';

/** One running program of the control plane. */
export interface Part {
  readonly pid: number;
  /** Why it ended unexpectedly, with the last lines of its log; undefined while it runs. */
  failure(): Promise<string | undefined>;
  /** Sends SIGKILL and waits for the end. */
  kill(): Promise<void>;
}

/**
 * Starts a program in a session of its own, so that Ctrl-C reaches only the test process, which then stops
 * it. It does not keep the event loop alive. If the test process is killed, the watchdog kills it.
 */
export async function startPart(program: string, flags: string[], log: string): Promise<Part> {
  const file = openSync(log, 'a');
  const child = spawn(program, flags, { detached: true, stdio: ['ignore', file, file] });
  closeSync(file);
  await once(child, 'spawn');
  child.unref();
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} has no process id`);
  const running = () => child.exitCode === null && child.signalCode === null;
  return {
    pid,
    async failure() {
      if (running()) return undefined;
      const lines = (await readFile(log, 'utf8')).trim().split('\n');
      const code = child.exitCode ?? child.signalCode;
      return `${basename(program)} ended (${code}):\n${lines.slice(-5).join('\n')}`;
    },
    async kill() {
      if (!running()) return;
      child.ref();
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

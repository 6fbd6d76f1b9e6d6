import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';

/** One running program of the control plane. */
export interface Part {
  readonly pid: number;
  /** Why it ended by itself, with the end of its log; undefined while it runs. */
  failure(): Promise<string | undefined>;
  /** SIGKILL, and wait until it is gone. */
  kill(): Promise<void>;
}

/**
 * It runs in a session of its own: Ctrl-C reaches the test process alone, which then ends it in
 * order. It keeps nobody's event loop alive: without the test process the watchdog ends it.
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

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnBound } from '@openfero/testkit/process';
import { Client } from 'undici';

/** A process that is measured. */
export interface Program {
  readonly pid: number;
  /** The address that it listens on. */
  readonly url: string;
  /** Milliseconds from start to ready. */
  readonly readyAfter: number;
  /** SIGTERM, then SIGKILL if it does not end. */
  stop(): Promise<void>;
}

export interface ProgramOptions {
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
  /** File for its output: reading the log must not cost CPU time here. */
  readonly log: string;
  /** Arguments after the port, for programs that read no environment variables. */
  readonly args?: readonly string[];
}

const READY_WITHIN_MS = 60_000;
const READY_POLL_MS = 2;
const STOP_WITHIN_MS = 15_000;

/** Starts a TypeScript file with this Node and a clean environment, and waits until it is ready. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const { file, env, port, log } = options;
  const started = performance.now();
  const script = 'log="$0"; exec "$@" >"$log" 2>&1';
  const node = [process.execPath, file, String(port), ...(options.args ?? [])];
  const child = spawnBound('/bin/sh', ['-c', script, log, ...node], {
    env: { ...env, HOST: '127.0.0.1', PORT: String(port) },
  });
  const closed = once(child, 'close');
  const stop = async (): Promise<void> => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    child.kill('SIGTERM');
    await closed;
    clearTimeout(timer);
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await ready(url, () => child.exitCode !== null);
  } catch (error) {
    await stop();
    throw new Error(`${file}: ${String(error)}\n${await lastLines(log)}`);
  }
  return { pid: child.pid ?? 0, url, readyAfter: performance.now() - started, stop };
}

async function ready(url: string, ended: () => boolean): Promise<void> {
  const client = new Client(url);
  const deadline = performance.now() + READY_WITHIN_MS;
  try {
    while (!(await isReady(client))) {
      if (ended()) throw new Error('it ended during startup');
      if (performance.now() > deadline) throw new Error('it was not ready within a minute');
      await sleep(READY_POLL_MS);
    }
  } finally {
    await client.destroy();
  }
}

async function isReady(client: Client): Promise<boolean> {
  try {
    const answer = await client.request({ method: 'GET', path: '/readyz' });
    await answer.body.dump();
    return answer.statusCode === 200;
  } catch {
    return false;
  }
}

async function lastLines(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '');
  return text.trim().split('\n').slice(-5).join('\n');
}

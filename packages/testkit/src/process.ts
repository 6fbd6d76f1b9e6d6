import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A line of a service's log. A line that is not JSON has only `msg`. */
export interface LogLine {
  readonly level?: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Service {
  readonly pid: number;
  /** Everything it logged so far. */
  readonly lines: readonly LogLine[];
  /** Everything it wrote to stderr so far, by line. */
  readonly stderr: readonly string[];
  readonly exited: Promise<Exit>;
  /** The address from its log (`msg: "listening"` with a `url`), or from PORT. */
  url(): Promise<string>;
  /** The first past or future line that matches the predicate. Rejects when the service ends. */
  waitForLine(predicate: (line: LogLine) => boolean, timeoutMs?: number): Promise<LogLine>;
  /** Waits until GET /readyz answers 200. */
  ready(timeoutMs?: number): Promise<void>;
  /** Sends SIGTERM, and SIGKILL after the limit. */
  stop(limitMs?: number): Promise<Exit>;
  kill(signal?: NodeJS.Signals): void;
}

export interface ServiceOptions {
  /** startService returns when the log has a matching line. */
  readonly waitFor?: (line: LogLine) => boolean;
  /** Called with each line of its log. */
  readonly onLine?: (line: LogLine) => void;
  readonly args?: readonly string[];
  readonly cwd?: string;
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * The entry file of a service: its bundle, as the image has it, if OPENFERO_BUNDLES names a folder of
 * bundles, else its source.
 *
 * @param checkout folder of a repository, whose source it is then
 */
export function serverOf(service: ServiceName, checkout?: string): string {
  const bundles = process.env['OPENFERO_BUNDLES'];
  if (checkout === undefined && bundles) return resolve(bundles, `${service}.mjs`);
  return resolve(checkout ?? ROOT, 'services', service, 'src', 'server.ts');
}

export type ServiceName = 'receiver' | 'worker' | 'dashboard';

/** Generous: on a busy machine a service starts in 15 s. */
const TIMEOUT_MS = 60_000;

/**
 * Starts a service as a process of its own, with this Node and only PATH and HOME of our environment. It
 * ends with the test process.
 *
 * @param entryFile path of a server.ts, or of another program that starts in the same way
 */
export async function startService(
  entryFile: string,
  env: Readonly<Record<string, string>>,
  options: ServiceOptions = {},
): Promise<Service> {
  const child = spawnBound(process.execPath, [entryFile, ...(options.args ?? [])], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  const service = observe(child, env, options.onLine);
  if (options.waitFor !== undefined) await service.waitForLine(options.waitFor);
  return service;
}

/** The most bytes that a process has had in memory so far. Linux only. */
export async function mostMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1]) * 1024;
}

function observe(
  child: ChildProcess,
  env: Readonly<Record<string, string>>,
  onLine: (line: LogLine) => void = () => {},
): Service {
  const lines: LogLine[] = [];
  const stderr: string[] = [];
  const events = new EventEmitter().setMaxListeners(0);
  const exited = exitOf(child, events);
  readLines(child.stdout, (line) => {
    const parsed = parseLine(line);
    lines.push(parsed);
    onLine(parsed);
    events.emit('line');
  });
  readLines(child.stderr, (line) => stderr.push(line));

  const waitForLine: Service['waitForLine'] = async (predicate, timeoutMs = TIMEOUT_MS) => {
    const signal = AbortSignal.timeout(timeoutMs);
    for (let next = 0; ; next++) {
      while (next >= lines.length) await nextLine(events, signal, () => report(lines, stderr));
      const line = lines[next];
      if (line !== undefined && predicate(line)) return line;
    }
  };
  const url = async (): Promise<string> => {
    const port = Number(env['PORT'] ?? 0);
    if (port > 0) return `http://127.0.0.1:${port}`;
    return String((await waitForLine((line) => line.msg === 'listening'))['url']);
  };
  return {
    pid: child.pid ?? 0,
    lines,
    stderr,
    exited,
    url,
    waitForLine,
    ready: async (timeoutMs = TIMEOUT_MS) =>
      pollReady(await url(), AbortSignal.any([AbortSignal.timeout(timeoutMs), abortOn(exited)])),
    stop: (limitMs = TIMEOUT_MS) => stop(child, exited, limitMs),
    kill: (signal = 'SIGKILL') => void child.kill(signal),
  };
}

function exitOf(child: ChildProcess, events: EventEmitter): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', () => resolve({ code: null, signal: null }));
    // 'close' is emitted after the last line of output was read, 'exit' maybe before.
    child.once('close', (code, signal) => {
      events.emit('end');
      resolve({ code, signal });
    });
  });
}

function abortOn(exited: Promise<Exit>): AbortSignal {
  const controller = new AbortController();
  void exited.then(({ code }) => controller.abort(new Error(`the service ended with ${code}`)));
  return controller.signal;
}

function readLines(stream: NodeJS.ReadableStream | null, take: (line: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on('line', take);
}

function parseLine(line: string): LogLine {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return { msg: '', ...value };
  } catch {
    // Not written by the logger: keep the text.
  }
  return { msg: line };
}

async function nextLine(
  events: EventEmitter,
  signal: AbortSignal,
  describe: () => string,
): Promise<void> {
  const settled = new AbortController();
  const either = { signal: AbortSignal.any([signal, settled.signal]) };
  try {
    const end = once(events, 'end', either).then(() => {
      throw new Error('the service ended');
    });
    await Promise.race([once(events, 'line', either), end]);
  } catch (error) {
    const why = signal.aborted ? 'no such line in time' : String(error);
    throw new Error(`waiting for a line of the service's log: ${why}\n${describe()}`);
  } finally {
    settled.abort();
  }
}

function report(lines: readonly LogLine[], stderr: readonly string[]): string {
  return [...lines.slice(-20).map((line) => JSON.stringify(line)), ...stderr.slice(-20)].join('\n');
}

async function pollReady(url: string, signal: AbortSignal): Promise<void> {
  let last = 'no answer';
  while (!signal.aborted) {
    try {
      const response = await fetch(`${url}/readyz`, { signal });
      last = await response.text();
      if (response.ok) return;
    } catch (error) {
      last = String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${url} did not become ready: ${last} (${String(signal.reason)})`);
}

async function stop(child: ChildProcess, exited: Promise<Exit>, limitMs: number): Promise<Exit> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const exit = await exited;
  clearTimeout(timer);
  return exit;
}

/** A Linux tool that ends a child when its parent ends, for whatever reason. */
const SETPRIV = '/usr/bin/setpriv';

/**
 * Spawns a process that ends with this one: on a normal exit everywhere, on Linux also if this process is
 * killed. Its stdin is closed, unless there is input for it; stdout and stderr are pipes.
 */
export function spawnBound(
  command: string,
  args: readonly string[],
  { input, ...options }: { env?: NodeJS.ProcessEnv; cwd?: string; input?: string } = {},
): ChildProcess {
  const bound =
    process.platform === 'linux' && existsSync(SETPRIV)
      ? [SETPRIV, '--pdeathsig', 'KILL', command, ...args]
      : [command, ...args];
  const child = spawn(bound[0] ?? command, bound.slice(1), {
    ...options,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  child.stdin?.end(input);
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('close', () => process.removeListener('exit', kill));
  return child;
}

import { execFile } from 'node:child_process';

interface Settings {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** What the program reads from its standard input. */
  readonly input?: string;
}

/** Standard output of a program that ends with 0; else an error of what it said last. */
export function output(
  program: string,
  args: readonly string[],
  settings: Settings = {},
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const { input, ...where } = settings;
  const options = { maxBuffer: 64 * 1024 * 1024, ...where };
  const child = execFile(program, args, options, (error, stdout, stderr) => {
    if (error === null) return resolve(stdout);
    if (error.code === 'ENOENT') return reject(new Error(`${program} is not on PATH`));
    reject(new Error(`${program}: ${stderr.trim() || error.message}`));
  });
  // A program that ends without reading closes the pipe; its exit code tells enough.
  child.stdin?.on('error', () => {});
  child.stdin?.end(input ?? '');
  return promise;
}

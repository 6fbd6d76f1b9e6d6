import { execFile } from 'node:child_process';

interface Settings {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Standard input of the program. */
  readonly input?: string;
}

/** Runs a program. @returns its standard output @throws its standard error, if it fails */
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
  // A program that ends without reading its input closes the pipe. The exit code says enough.
  child.stdin?.on('error', () => {});
  child.stdin?.end(input ?? '');
  return promise;
}

import { execFileSync } from 'node:child_process';
import { constants, type FileHandle, open, unlink } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { until } from '@openfero/testkit/until';

/** Somebody reads a file and cannot read it to its end: an attempt is stuck there until it is let go. */
export interface Reading {
  letGo(): Promise<void>;
}

/** Makes a Job's file a pipe. */
export async function makePipe(path: string): Promise<void> {
  await unlink(path);
  execFileSync('mkfifo', [path]);
}

/** Waits until somebody reads the pipe. */
export async function reading(t: TestContext, path: string): Promise<Reading> {
  let pipe: FileHandle | undefined;
  await until('somebody reads it', async () => {
    pipe = await open(path, constants.O_WRONLY | constants.O_NONBLOCK).catch(() => undefined);
    return pipe !== undefined;
  });
  t.after(() => pipe?.close());
  return {
    async letGo() {
      await pipe?.writeFile('kind: Job\n');
      await pipe?.close();
    },
  };
}

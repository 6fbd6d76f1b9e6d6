import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { messageOf } from '@openfero/core/errors';
import {
  type RemediationSettings,
  readRemediationSettings,
} from '@openfero/service/remediation-settings';
import { InvalidSettings } from '@openfero/service/settings';
import { CouldNotAsk, type Terminal } from './terminal.ts';

type Environment = Terminal['env'];

/**
 * The environment of the command: that of a worker's env file below the process' own, so that a person can
 * ask what would be with another value.
 *
 * @throws {CouldNotAsk} where the file cannot be read
 */
export async function environmentOf(
  { env }: Terminal,
  envFile: string | undefined,
): Promise<Environment> {
  if (envFile === undefined) return env;
  try {
    return { ...parseEnv(await readFile(envFile, 'utf8')), ...env };
  } catch (error) {
    throw new CouldNotAsk(`--env-file: cannot read ${envFile}: ${messageOf(error)}`);
  }
}

/** Calls it, and says of wrong settings that nothing can be answered. */
export function withSettings<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof InvalidSettings) throw new CouldNotAsk(error.lines.join('; '));
    throw error;
  }
}

export function remediationSettings(env: Environment): RemediationSettings {
  return withSettings(() => readRemediationSettings(env));
}

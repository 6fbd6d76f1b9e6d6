import type { Logger } from './log.ts';
import { VERSION } from './version.ts';

/** Fields that hold a secret, or the text of a certificate, wherever they are. */
const HIDDEN = /password|token|secret|authorization|headers|pem|^ca$|^key$|^cert$/i;

/**
 * Logs the version and what is in force of the settings, without secrets. A test starts each service with
 * every secret there is: a field with another name is found there.
 */
export function logStart(settings: object, log: Logger): void {
  log.info({ version: VERSION, settings: withoutSecrets(settings) }, 'starting');
}

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(
    fields.map(([name, each]) => [name, HIDDEN.test(name) ? '(set)' : withoutSecrets(each)]),
  );
}

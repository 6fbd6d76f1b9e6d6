import { type RedisSettings, readPrefix, readRedisSettings } from './redis-settings.ts';
import { type Environment, integer, oneOf, readEach, text } from './settings.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** The settings of every service. */
export interface CommonSettings {
  readonly redis: RedisSettings;
  readonly prefix: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
}

/**
 * Reads the settings of every service.
 *
 * @throws {InvalidSettings} naming the variables that are wrong or missing
 */
export function readCommonSettings(env: Environment, defaultPort: number): CommonSettings {
  return readEach<CommonSettings>({
    redis: () => readRedisSettings(env),
    prefix: () => readPrefix(env),
    logLevel: () => oneOf(env, 'LOG_LEVEL', LOG_LEVELS, 'info'),
    host: () => text(env, 'HOST') ?? '0.0.0.0',
    port: () => integer(env, 'PORT', { fallback: defaultPort, min: 0, max: 65_535 }),
  });
}

import { encodeEntry } from '@openfero/core/history/encode';
import type { Position } from '@openfero/core/operarius/global-switch';
import type { Mode } from '@openfero/core/operarius/policy';
import {
  modeKey,
  RECORD_MODE,
  readKnownMode,
  recordModeArguments,
} from '@openfero/core/redis/mode';
import type { RedisConnection } from '@openfero/service/redis';
import { script } from '@openfero/service/script';

interface RecordOptions {
  readonly redis: RedisConnection;
  readonly prefix: string;
  /** OPENFERO_HISTORY_COUNT. */
  readonly historyCount: number;
}

/**
 * Creates what records each change of the mode in the history, once over all workers.
 *
 * @returns to be called again and again, with Redis' time; answers since when the mode holds (ms), undefined
 *   while other workers obey another one
 */
export function createModeRecord({
  redis,
  prefix,
  historyCount,
}: RecordOptions): (position: Position, now: number) => Promise<number | undefined> {
  const recordScript = script(redis, RECORD_MODE);
  /** The last mode of this worker of which the others know. */
  let told: Mode | undefined;
  return async ({ mode, source }, now) => {
    const before = await redis.get(modeKey(prefix));
    const known = readKnownMode(before);
    if (known?.mode === mode) {
      told = mode;
      return known.since;
    }
    // Another worker has seen the change before: not this one's to take back.
    if (known !== undefined && told === mode) return undefined;
    const entry =
      known && encodeEntry({ kind: 'mode', from: known.mode, to: mode, source, at: now });
    const change = { before, now: { mode, since: now }, entry };
    const { keys, args } = recordModeArguments(prefix, change, historyCount);
    if ((await recordScript(keys, args)) !== 1) return undefined;
    told = mode;
    return now;
  };
}

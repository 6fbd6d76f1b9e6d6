import { isStopped } from '@openfero/core/decisions/stopped';
import { encodeEntry } from '@openfero/core/history/encode';
import type { RearmedHow } from '@openfero/core/history/entry';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { definitionDigest } from '@openfero/core/operarius/definition';
import { REARM, rearmArguments } from '@openfero/core/redis/rearm';
import { readStopped, type Stopped } from '@openfero/core/redis/stopped';
import { script } from '@openfero/service/script';
import type { Judging } from './judging.ts';
import { tellRearmed } from './tell.ts';

/**
 * Milliseconds. A watch may be as old as 120 s: a worker that has an older definition than the one that was
 * stopped must not take that for a change.
 */
const KNOWN_BY_ALL = 150_000;

/**
 * Creates what clears away what is stopped no longer: nothing waits for it, since a changed definition is not
 * stopped, and a time that is over says so itself. One of the workers tells people.
 *
 * @returns to be called with the fields of `stopped`, and the time (ms, Redis' clock)
 */
export function createRearming(
  judging: Judging,
): (stopped: ReadonlyMap<string, string>, now: number) => Promise<void> {
  const { cluster, redis, sawStopped } = judging;
  const rearmScript = script(redis, REARM);

  const howOver = (name: string, stopped: Stopped, now: number): RearmedHow | undefined => {
    const configMap = cluster.operarii.get(name);
    const definition = configMap && definitionDigest(configMap);
    if (definition === stopped.definition) {
      sawStopped.add(definition);
      return isStopped(stopped, definition, now) ? undefined : 'time';
    }
    const isNews = sawStopped.has(stopped.definition) || now - stopped.at > KNOWN_BY_ALL;
    return isNews ? changed(configMap) : undefined;
  };
  const rearmOne = async (operarius: string, state: string, now: number): Promise<void> => {
    const stopped = readStopped(state);
    if (stopped === undefined) return;
    const { definition, by } = stopped;
    const how = by === undefined ? howOver(operarius, stopped, now) : 'person';
    if (how === undefined) return;
    const { prefix, historyCount: count } = judging.settings;
    const user = by !== undefined && { user: by };
    const entry = encodeEntry({ kind: 'rearmed', operarius, definition, how, ...user, at: now });
    const { keys, args } = rearmArguments(prefix, { operarius, state, count, entry });
    sawStopped.delete(definition);
    if ((await rearmScript(keys, args)) === 1) tellRearmed({ operarius, how, by }, judging);
  };
  return async (all, now) => {
    if (cluster.blocked() !== undefined) return;
    for (const [operarius, state] of all) await rearmOne(operarius, state, now);
  };
}

const changed = (configMap: ConfigMap | undefined): RearmedHow =>
  configMap === undefined ? 'deleted' : 'definition';

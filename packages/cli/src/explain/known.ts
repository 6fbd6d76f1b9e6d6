import type { JobCalls } from '@openfero/cluster/kubernetes/on-demand';
import type { Alert } from '@openfero/core/alert';
import {
  dedupKeyText,
  firingTroubleOf,
  type Trouble,
  troubleOf,
} from '@openfero/core/identity/trouble';
import { InvalidOperarius, type Operarius } from '@openfero/core/operarius';
import { RejectedAlert } from '@openfero/core/read-alert';
import { LOOK, type Look, memoryKey, readLook, readTime } from '@openfero/core/redis/memory';
import type { Remediation } from '@openfero/core/redis/remediation';
import { readState, type State, stateKey } from '@openfero/core/redis/states';
import { stoppedKey } from '@openfero/core/redis/stopped';
import { script } from '@openfero/service/script';
import type { OpenRedis } from '../redis.ts';
import type { Known, Question } from './decide-alerts.ts';
import { createLimitReader } from './limits.ts';

/** What Redis and the cluster know of the alerts that a person asks about. */
export async function readKnown(
  { remediations, registry }: Question,
  open: OpenRedis,
  jobs: Pick<JobCalls, 'get'>,
): Promise<Known> {
  const { redis, prefix } = open;
  const look = script(redis, LOOK);
  const states = new Map<string, State | undefined>();
  const looks = new Map<string, Look>();
  const unfinished = new Set<string>();
  const limits = createLimitReader(open);
  const stopped = new Map<string, Look['stopped']>();
  for (const remediation of remediations) {
    if (remediation instanceof RejectedAlert) continue;
    const { alert } = remediation;
    states.set(stateKey(prefix, alert), await stateIn(open, alert));
    for (const { operarius, troubleKey } of troublesOf(remediation, registry)) {
      const keys = [stateKey(prefix, alert), memoryKey(prefix, troubleKey), stoppedKey(prefix)];
      const seen = readLook(await look(keys, [operarius.name]));
      looks.set(troubleKey, seen);
      stopped.set(operarius.name, seen.stopped);
      await limits.read(operarius, alert);
      if (await isUnfinished(seen, troubleKey, jobs)) unfinished.add(troubleKey);
    }
  }
  return {
    now: readTime(await redis.time()),
    stateOf: (alert) => states.get(stateKey(prefix, alert)),
    memoryOf: (troubleKey) => looks.get(troubleKey)?.memory,
    creationsOf: (troubleKey) => looks.get(troubleKey)?.creations ?? [],
    stoppedOf: (operarius) => stopped.get(operarius),
    isUnfinished: (_, troubleKey) => unfinished.has(troubleKey),
    ...limits.known(),
  };
}

async function stateIn({ redis, prefix }: OpenRedis, alert: Alert): Promise<State | undefined> {
  return readState(await redis.get(stateKey(prefix, alert)));
}

interface TroubleOfOperarius extends Trouble {
  readonly operarius: Operarius;
}

/** That of the alert; of one that has resolved also that of the alert that fired. */
function troublesOf(
  remediation: Remediation,
  registry: Question['registry'],
): TroubleOfOperarius[] {
  const { alert } = remediation;
  const find = (status: Alert['status']): Operarius | undefined => {
    try {
      return registry.find({ ...alert, status }).operarius;
    } catch (error) {
      // The steps say what is wrong with it.
      if (error instanceof InvalidOperarius) return undefined;
      throw error;
    }
  };
  const own = find(alert.status);
  const firing = alert.status === 'resolved' ? find('firing') : undefined;
  return [
    ...(own === undefined ? [] : [{ operarius: own, ...troubleOf(remediation, own) }]),
    ...(firing === undefined
      ? []
      : [{ operarius: firing, ...firingTroubleOf(remediation, firing) }]),
  ];
}

/** Once it is deleted, its name may be another's. */
async function isUnfinished(
  { memory }: Look,
  troubleKey: string,
  jobs: Pick<JobCalls, 'get'>,
): Promise<boolean> {
  if (memory === undefined) return false;
  const job = await jobs.get(memory.job);
  const remembered = dedupKeyText({ troubleKey, episode: memory.episode });
  return job?.dedupKey === remembered && !job.finished;
}

/** The alerts, with the times of the latest receipt where they have the same status. */
export function asLastReceived(
  remediations: Question['remediations'],
  open: OpenRedis,
): Promise<Question['remediations']> {
  return Promise.all(
    remediations.map(async (one) => {
      if (one instanceof RejectedAlert) return one;
      const state = await stateIn(open, one.alert);
      if (state?.status !== one.alert.status) return one;
      const { startsAt, endsAt } = state;
      return { ...one, alert: { ...one.alert, startsAt, endsAt } };
    }),
  );
}

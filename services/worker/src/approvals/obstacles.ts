import type { AskedJob } from '@openfero/cluster/cluster';
import { alertOfJob } from '@openfero/core/decisions/alertmanager-question';
import { isStopped } from '@openfero/core/decisions/stopped';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { definitionDigest } from '@openfero/core/operarius/definition';
import { GLOBAL_CONFIGMAP, readGlobalSwitch } from '@openfero/core/operarius/global-switch';
import { strictest } from '@openfero/core/operarius/policy';
import { readStopped, stoppedKey } from '@openfero/core/redis/stopped';
import type { Alertmanagers } from '../alertmanager/ask.ts';
import { policyOf } from '../check/policy-of.ts';
import { configMapOf } from '../ends/described-job.ts';
import { runsIfResolved } from './over.ts';
import type { Releases, Releasing, TakenForRelease } from './releases.ts';

/** What came of a look at an approved Job, at the last moment before its release. */
export type Look =
  /** Where it is free, it has taken all that a running Job has. */
  | TakenForRelease
  /** Its alert has ended. */
  | { readonly kind: 'over' };

/** What looking needs. */
type Looking = Releasing & {
  readonly alertmanagers: Pick<Alertmanagers, 'standingOf'> | undefined;
  readonly releases: Pick<Releases, 'take'>;
};

const obstacle = (text: string): Look => ({ kind: 'obstacle', text });

/**
 * Creates what looks again before a Job is released from the dashboard: all that may have changed while it
 * waited. Who uses kubectl wants it now.
 *
 * @param now milliseconds, Redis' clock
 */
export function createLook({
  cluster,
  redis,
  alertmanagers,
  settings,
  releases,
}: Looking): (job: AskedJob, now: number) => Promise<Look> {
  const { prefix, policy: defaults } = settings;

  const byMode = (configMap: ConfigMap | undefined): Look | undefined => {
    const own = configMap && policyOf(configMap, defaults);
    if (configMap === undefined || own === undefined)
      return obstacle('its operarius is gone or invalid');
    const { mode } = readGlobalSwitch(cluster.operarii.globalSwitch());
    const strict = strictest(own.mode, mode);
    if (strict === 'run' || strict === 'approve') return undefined;
    const where = strict === own.mode ? configMap.metadata.name : GLOBAL_CONFIGMAP;
    return obstacle(`the mode is ${strict}: see ConfigMap ${where} and OPENFERO_MODE`);
  };
  const byStop = async (configMap: ConfigMap, now: number): Promise<Look | undefined> => {
    const { name } = configMap.metadata;
    const stopped = readStopped(await redis.hget(stoppedKey(prefix), name));
    if (!isStopped(stopped, definitionDigest(configMap), now)) return undefined;
    return obstacle(`ConfigMap ${name} is stopped, after ${stopped.row} bad runs in a row`);
  };
  const byAlert = async (job: AskedJob): Promise<Look | undefined> => {
    if (alertmanagers === undefined || job.status !== 'firing') return undefined;
    const answer = await alertmanagers.standingOf(alertOfJob(job));
    switch (answer.kind) {
      case 'active':
        return undefined;
      case 'suppressed':
        return obstacle(`Alertmanager: the alert is ${answer.by}`);
      case 'absent':
        return runsIfResolved(job, cluster.operarii, settings) ? undefined : { kind: 'over' };
      case 'unknown':
        return obstacle(
          `Alertmanager cannot tell whether the alert still fires: ${answer.problem}`,
        );
    }
  };
  return async (job, now) => {
    const configMap = configMapOf(job.operarius, cluster.operarii);
    const switched = byMode(configMap);
    if (switched !== undefined || configMap === undefined) return switched ?? obstacle('');
    const other = (await byStop(configMap, now)) ?? (await byAlert(job));
    return other ?? releases.take(job, false);
  };
}

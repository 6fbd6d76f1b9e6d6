import type { AskedJob, EndedJob } from '@openfero/cluster/cluster';
import {
  type AlertInTrouble,
  approvalNeeded,
  operariusStopped,
  type Places,
  RAISED_FOR,
  remediationFailed,
} from '@openfero/core/decisions/raised';
import { NEVER, parseInstant } from '@openfero/core/instant';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { FAILURES } from '@openfero/core/outcome';
import type { DueEffect } from '@openfero/core/redis/effects';
import { key } from '@openfero/core/redis/keys';
import type { RaisedByRun, ToRaise } from '@openfero/core/redis/raised';
import { QUEUE, type Remediation, readRemediation } from '@openfero/core/redis/remediation';
import type { RunVerdict } from '@openfero/core/redis/verdicts';
import type { RedisConnection } from '@openfero/service/redis';
import type { Ending } from '../ends/record.ts';
import type { WorkerSettings } from '../settings.ts';

type Run = Pick<RunVerdict, 'operarius' | 'stopFor'>;

/** What OpenFero raises alerts about. Every answer is undefined where nothing is to be raised. */
export interface Raising {
  /** For the script that ends the Job. */
  jobFailed(
    job: EndedJob,
    configMap: ConfigMap | undefined,
    run: Run | undefined,
  ): Promise<RaisedByRun | undefined>;
  /** For the script that settles the effect. */
  noEffect(due: DueEffect, run: Run): Promise<RaisedByRun | undefined>;
  /** For the script that asks a person. @param now milliseconds, Redis' clock */
  asked(job: AskedJob, now: number): ToRaise | undefined;
  /** A remediation has failed: to be raised as its end is appended to the history. */
  ended(ending: Ending, remediation: Remediation | undefined): ToRaise | undefined;
}

interface RaisingContext {
  readonly redis: RedisConnection;
  readonly settings: Pick<
    WorkerSettings,
    | 'prefix'
    | 'alertmanager'
    | 'raiseAlerts'
    | 'dashboardUrl'
    | 'configMapNamespace'
    | 'jobNamespace'
  >;
}

/** Raises nothing. */
export const SILENT: Raising = {
  jobFailed: async () => undefined,
  noEffect: async () => undefined,
  asked: () => undefined,
  ended: () => undefined,
};

/** Creates what decides what is raised; nothing without an Alertmanager, or if OPENFERO_RAISE_ALERTS is false. */
export function createRaising({ redis, settings }: RaisingContext): Raising {
  const { prefix, alertmanager, raiseAlerts, dashboardUrl: dashboard } = settings;
  if (alertmanager === undefined || !raiseAlerts) return SILENT;
  const { configMapNamespace: configMaps, jobNamespace: jobs } = settings;
  const places: Places = { configMaps, jobs, dashboard };

  const byRun = (failed: ToRaise | undefined, { operarius, stopFor }: Run): RaisedByRun => ({
    failed,
    stopped: operariusStopped(operarius, stopFor, places),
  });
  return {
    async jobFailed(job, configMap, run) {
      const { end, name } = job;
      // An alert that has resolved is gone: nothing would end what is raised for it.
      if (end?.fate !== 'failed' || end.status !== 'firing') return undefined;
      if (configMap === undefined || end.endedAt < Date.now() - RAISED_FOR) return undefined;
      const { name: operarius } = configMap.metadata;
      const what = `Job ${name} of ${operarius} failed: ${end.reason}. Its events and the logs of its pods show the cause.`;
      const alert = await alertOf({ redis, prefix }, end);
      const failed = { reason: 'job-failed', what, operarius, job: name } as const;
      // A Job of an older definition stops nothing.
      return byRun(remediationFailed(alert, failed, places), run ?? { operarius, stopFor: 0 });
    },
    async noEffect(due, run) {
      const { job, operarius } = due;
      const what = `Job ${job} of ${operarius} succeeded, but the alert still fires.`;
      const alert = await alertOf({ redis, prefix }, due);
      const failed = { reason: 'no-effect', what, operarius, job } as const;
      return byRun(remediationFailed(alert, failed, places), run);
    },
    asked({ name: job, uid, operarius, labels, fingerprint, startsAt, until }, now) {
      const alert = { labels, fingerprint, startsAt: parseInstant(startsAt) ?? NEVER };
      return approvalNeeded(alert, { operarius, job, uid, lasts: until - now }, places);
    },
    ended({ end: outcome, operarius, reason: why }, remediation) {
      const reason = FAILURES.find((each) => each === outcome);
      if (reason === undefined || reason === 'unreadable') return undefined;
      if (remediation?.alert.status !== 'firing') return undefined;
      const what = `${operarius === '' ? 'OpenFero' : operarius} created no Job (${reason}): ${why}`;
      return remediationFailed(remediation.alert, { reason, what, operarius }, places);
    },
  };
}

/** What a Job knows of its alert. */
type Origin = Pick<DueEffect, 'alertname' | 'fingerprint' | 'startsAt' | 'remediation'>;

/** The alert with all its labels as long as Redis has the remediation, else what the Job knows of it. */
async function alertOf(
  { redis, prefix }: { readonly redis: RedisConnection; readonly prefix: string },
  {
    alertname,
    fingerprint,
    startsAt,
    remediation,
    ...rest
  }: Origin & { readonly namespace?: string },
): Promise<AlertInTrouble> {
  const payload = await redis.hget(key(prefix, QUEUE, remediation), 'data');
  const alert = payloadOf(payload)?.alert;
  if (alert !== undefined) return alert;
  const namespace = rest.namespace || undefined;
  const labels = { alertname, ...(namespace !== undefined && { namespace }) };
  return { labels, fingerprint, startsAt: parseInstant(startsAt) ?? NEVER };
}

function payloadOf(text: string | null): Remediation | undefined {
  try {
    return readRemediation(JSON.parse(text ?? ''));
  } catch {
    return undefined;
  }
}

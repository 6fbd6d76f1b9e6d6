import type { Identity } from '../identity/job-name.ts';
import type { Operarius } from '../operarius/operarius.ts';
import type { Remediation } from '../redis/remediation.ts';
import { type Rendered, type RenderInput, render } from './render.ts';

/** What a Job is rendered from. */
export interface JobSource {
  readonly operarius: Operarius;
  readonly remediation: Remediation;
  readonly identity: Identity;
  /** See {@link RenderInput.answerBy}. */
  readonly answerBy?: number | undefined;
}

/** What this worker adds to every Job. */
export interface JobSettings {
  readonly jobNamespace: string;
  /** Seconds; 0 leaves the template's field unset. */
  readonly jobTtl: number;
  readonly jobDeadline: number;
  /** The worker's own, which no Job may use; undefined where it is unknown or in another namespace. */
  readonly ownServiceAccount: string | undefined;
}

/**
 * Renders the Job as this worker would create it. The check of an operarius and the worker both come
 * through here, so that the check refuses what the worker would refuse.
 *
 * @throws {InvalidOperarius} where the template cannot become a Job of this worker
 */
export function renderJob(source: JobSource, settings: JobSettings): Rendered {
  return render({
    ...source,
    namespace: settings.jobNamespace,
    ttlSeconds: settings.jobTtl,
    deadlineSeconds: settings.jobDeadline,
    ownServiceAccount: settings.ownServiceAccount,
  });
}

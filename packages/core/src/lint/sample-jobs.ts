import type { JobManifest } from '../kubernetes.ts';
import {
  InvalidOperarius,
  type Operarius,
  readOperarius,
  subjectOf,
} from '../operarius/operarius.ts';
import type { Policy } from '../operarius/policy.ts';
import type { JobSettings } from '../render/render-job.ts';
import { renderSample, sampleAlert } from '../render/sample.ts';
import type { Definition } from './documents.ts';

/** A Job, and the key of the ConfigMap that it is rendered from. */
interface SampleJob {
  readonly key: string;
  readonly job: JobManifest;
}

/** As of a lint: the namespace of the Jobs may be that of each definition. */
type SampleSettings = Omit<JobSettings, 'jobNamespace'> & {
  readonly policy: Policy;
  readonly jobNamespace: string | undefined;
};

/** The Jobs of an operarius for alerts without labels; none where the operarius is invalid. */
export function sampleJobs(
  { configMap, inNamespace }: Definition,
  settings: SampleSettings,
): SampleJob[] {
  try {
    const { status, alertnames } = subjectOf(configMap);
    return alertnames.flatMap((alertname) => {
      const operarius = readOperarius(configMap, alertname, settings.policy);
      if (operarius === undefined) return [];
      const { jobNamespace = ownNamespace(operarius, inNamespace) } = settings;
      const alert = sampleAlert(status, alertname, 0);
      const { job } = renderSample(operarius, alert, { ...settings, jobNamespace }, 0);
      return [{ key: operarius.key, job }];
    });
  } catch (thrown) {
    if (thrown instanceof InvalidOperarius) return [];
    throw thrown;
  }
}

/** Jobs are created where the ConfigMap is, unless a setting says otherwise. */
export function ownNamespace({ namespace, template }: Operarius, isNamed: boolean): string {
  const { metadata } = template;
  const written =
    typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata)
      ? metadata['namespace']
      : undefined;
  return isNamed || typeof written !== 'string' ? namespace : written;
}

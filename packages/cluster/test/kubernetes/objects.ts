import type { JobManifest, JsonObject } from '@openfero/core/kubernetes';
import { LABELS, MANAGED_BY } from '@openfero/core/labels';
import { configMapsPath, type Cluster as Plane } from '@openfero/testkit/controlplane';

/** The Job of the example, with its two unknown fields, as the worker creates it. */
export function exampleJob(name: string, namespace: string, more: JsonObject = {}): JobManifest {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace,
      labels: {
        app: 'openfero',
        [LABELS.managedBy]: MANAGED_BY,
        [LABELS.operarius]: 'openfero-kubequotaalmostfull-firing',
      },
      annotations: {
        'openfero.io/remediation': 'a-remediation',
        'openfero.io/dedup-key': 'a-key',
      },
    },
    spec: {
      parallelism: 1,
      completions: 1,
      backoffLimit: 0,
      template: {
        labels: { app: 'openfero' },
        spec: {
          containers: [
            { name: 'python-job', image: 'ubuntu:latest', args: ['bash', '-c', 'echo'] },
          ],
          imagePullPolicy: 'Always',
          restartPolicy: 'Never',
        },
      },
      ...more,
    },
  };
}

/** Writes a ConfigMap, labelled as an operarius unless other labels are given. */
export async function writeConfigMap(
  plane: Plane,
  namespace: string,
  name: string,
  { labels = { app: 'openfero' }, annotations = {}, data = {} }: Partial<Written> = {},
): Promise<void> {
  const path = configMapsPath(namespace);
  const metadata = { name, labels, annotations };
  const made = await plane.request('POST', path, { metadata, data });
  if (made.status === 409) await plane.request('PATCH', `${path}/${name}`, { metadata, data });
}

interface Written {
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly data: Record<string, string>;
}

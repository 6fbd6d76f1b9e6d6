import type { ConfigMap } from '@openfero/core/kubernetes';
import { dataKey, operariusName } from '@openfero/core/operarius';

/** What differs from the smallest operarius. */
export interface Definition {
  readonly status?: 'firing' | 'resolved';
  /** Annotations, named without openfero.io/. */
  readonly policy?: Readonly<Record<string, string>>;
  /** Of the ConfigMap. */
  readonly metadata?: Partial<ConfigMap['metadata']>;
  readonly job?: JobParts;
  /** In place of the Job. */
  readonly data?: Readonly<Record<string, string>>;
}

/**
 * An operarius as its author writes it: YAML of a ConfigMap whose Job has the alert's name in lower
 * case.
 */
export function definition(alertname: string, of: Definition = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    ...withoutNamespace(alertname, of),
  });
}

/** The same as an API server returns it. */
export function configMap(alertname: string, of: Definition = {}): ConfigMap {
  const { metadata, data } = withoutNamespace(alertname, of);
  return { metadata: { namespace: 'default', ...metadata }, data };
}

function withoutNamespace(alertname: string, of: Definition) {
  const { status = 'firing', policy = {}, metadata = {}, job = {} } = of;
  const name = alertname.toLowerCase();
  const manifest = jobManifest({ ...job, metadata: { name, ...job.metadata } });
  return {
    metadata: {
      name: operariusName(alertname, status),
      labels: { app: 'openfero' },
      annotations: Object.fromEntries(
        Object.entries(policy).map(([key, value]) => [`openfero.io/${key}`, value]),
      ),
      ...metadata,
    },
    data: of.data ?? { [dataKey(alertname)]: JSON.stringify(manifest) },
  };
}

/** What differs from the smallest Job. */
export interface JobParts {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
  /** The spec of its Pods. */
  readonly pod?: Readonly<Record<string, unknown>>;
}

/** The spec of Pods that the Pod Security level `restricted` admits. */
export const RESTRICTED_POD: NonNullable<JobParts['pod']> = {
  securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [
    {
      ...{ name: 'c', image: 'i' },
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    },
  ],
};

/** A Job of one container that an API server accepts. */
export function jobManifest({ metadata = {}, spec = {}, pod = {} }: JobParts = {}): object {
  const container = { name: 'c', image: 'i' };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata,
    spec: {
      ...spec,
      template: { spec: { containers: [container], restartPolicy: 'Never', ...pod } },
    },
  };
}

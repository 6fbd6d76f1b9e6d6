import type { JsonObject } from '@openfero/core/kubernetes';
import { ANNOTATIONS, ASKED, LABELS } from '@openfero/core/labels';
import { dump } from 'js-yaml';
import type { AskedJob } from '../cluster.ts';
import { variableOf } from '../created-for.ts';
import { objectAt, parseJson, stringAt, timeAt } from '../json.ts';
import type { Api } from './http/api.ts';
import type { Query } from './http/target.ts';

/** What the marks of a Job say that was created suspended, for a person to release. */
export type Asked = Pick<
  AskedJob,
  'resourceVersion' | 'until' | 'isWaiting' | 'approvedBy' | 'labels' | 'manifest'
>;

/** Undefined where nobody was asked. Without a readable time it is over: nobody can wait for ever. */
export function askedOf(job: JsonObject): Asked | undefined {
  const metadata = objectAt(job, 'metadata');
  if (stringAt(objectAt(metadata, 'labels'), LABELS.approval) !== ASKED) return undefined;
  const annotations = objectAt(metadata, 'annotations');
  const spec = objectAt(job, 'spec');
  const isWaiting = spec['suspend'] === true;
  return {
    isWaiting,
    resourceVersion: stringAt(metadata, 'resourceVersion') ?? '',
    until: timeAt(annotations, ANNOTATIONS.approvalUntil) ?? 0,
    approvedBy: stringAt(annotations, ANNOTATIONS.approvedBy) ?? '',
    // Few Jobs wait; the many that run are not held whole.
    labels: isWaiting ? alertLabels(job) : {},
    manifest: isWaiting ? manifestOf(job) : '',
  };
}

/** Characters of YAML that a page shows. */
const LONGEST_MANIFEST = 16 * 1024;

/** Without what only the API server writes. */
function manifestOf(job: JsonObject): string {
  const { name, namespace, labels, annotations } = objectAt(job, 'metadata');
  const { selector: _, ...spec } = objectAt(job, 'spec');
  const metadata = { name, namespace, labels, annotations };
  const manifest = { apiVersion: 'batch/v1', kind: 'Job', metadata, spec };
  const text = dump(manifest, { lineWidth: -1, noRefs: true });
  return text.length <= LONGEST_MANIFEST
    ? text
    : `${text.slice(0, LONGEST_MANIFEST).toWellFormed()}...`;
}

function alertLabels(job: JsonObject): Record<string, string> {
  const alert = parseJson(variableOf(job, 'OPENFERO_META_ALERT', LONGEST_MANIFEST));
  const texts = Object.entries(objectAt(alert, 'labels')).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(texts);
}

/**
 * Creates what carries out a person's decision. The API server is the arbiter between decisions at the same
 * moment: each says which version of the Job it is about, and a Job that has changed since answers 409.
 */
export function createDecided(
  api: Pick<Api, 'patch' | 'remove'>,
  path: string,
  query: Query,
): {
  release(job: AskedJob, by: string): Promise<void>;
  remove(job: AskedJob): Promise<void>;
} {
  const pathOf = ({ name }: AskedJob): string => `${path}/${encodeURIComponent(name)}`;
  return {
    async release(job, by) {
      const { uid, resourceVersion } = job;
      const annotations = { [ANNOTATIONS.approvedBy]: by };
      const patch = { metadata: { uid, resourceVersion, annotations }, spec: { suspend: false } };
      await api.patch(pathOf(job), query, patch);
    },
    async remove(job) {
      const { uid, resourceVersion } = job;
      await api.remove(pathOf(job), {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        propagationPolicy: 'Background',
        preconditions: { uid, resourceVersion },
      });
    },
  };
}

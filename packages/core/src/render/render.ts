import { type Identity, jobName, jobPrefix } from '../identity/job-name.ts';
import { targetOf } from '../identity/target.ts';
import { dedupKeyText } from '../identity/trouble.ts';
import { formatInstant, instantOf } from '../instant.ts';
import {
  isObject,
  type JobManifest,
  type JobMetadata,
  type Json,
  type JsonObject,
} from '../kubernetes.ts';
import { ANNOTATIONS, ASKED, LABELS, labelValue, MANAGED_BY } from '../labels.ts';
import { refuseReleased } from '../operarius/approval.ts';
import { InvalidOperarius, invalid, type Operarius } from '../operarius/operarius.ts';
import type { Remediation } from '../redis/remediation.ts';
import { readTraceparent } from '../traceparent.ts';
import { withEnvironment } from './environment.ts';
import { cutText, plainText } from './spelling.ts';

export interface RenderInput {
  readonly operarius: Operarius;
  readonly remediation: Remediation;
  readonly identity: Identity;
  /** Where Jobs are created. */
  readonly namespace: string;
  /** For templates without `ttlSecondsAfterFinished`, in seconds; 0 leaves it unset. */
  readonly ttlSeconds: number;
  /** For templates without `activeDeadlineSeconds`, in seconds; 0 leaves it unset. */
  readonly deadlineSeconds: number;
  /** The worker's own, which no Job may use; undefined where it is unknown or in another namespace. */
  readonly ownServiceAccount: string | undefined;
  /** It is created suspended, and a person may release it until then (ms); undefined: it runs at once. */
  readonly answerBy?: number | undefined;
}

export interface Rendered {
  /** Shares with the template what is not changed: to be sent, not to be edited. */
  readonly job: JobManifest;
  readonly warnings: readonly string[];
}

/**
 * Makes the Job that an operarius wants to be run for an alert. The alert's text goes into metadata
 * and values of environment variables only, never into anything that Kubernetes or a shell reads.
 *
 * @throws {InvalidOperarius} where the template cannot become a Job of this worker, naming the field
 */
export function render(input: RenderInput): Rendered {
  try {
    return renderTemplate(input);
  } catch (error) {
    if (!(error instanceof InvalidOperarius)) throw error;
    const { namespace, name } = input.operarius;
    const place = `ConfigMap ${namespace}/${name}`;
    throw new InvalidOperarius(error.findings.map((finding) => ({ ...finding, place })));
  }
}

function renderTemplate(input: RenderInput): Rendered {
  const { apiVersion: _, kind: __, metadata, spec, ...rest } = input.operarius.template;
  const labels = labelsOf(input);
  if (input.answerBy !== undefined) refuseReleased(input.operarius.template);
  const bounded = withLifetime(objectAt('spec', spec), input);
  const pod = withAlert(objectAt('spec.template', bounded.spec['template']), input, labels);
  return {
    job: {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: metadataOf(objectOrNone('metadata', metadata), input, labels),
      spec: {
        ...bounded.spec,
        ...(input.answerBy !== undefined && { suspend: true }),
        template: pod.template,
      },
      ...rest,
    },
    warnings: [...bounded.warnings, ...pod.warnings],
  };
}

type StringMap = { [key: string]: string };

function labelsOf({ operarius, remediation: { alert, group } }: RenderInput): StringMap {
  const target = targetOf(alert, operarius.policy);
  return {
    [LABELS.managedBy]: MANAGED_BY,
    [LABELS.operarius]: labelValue(operarius.name),
    [LABELS.status]: labelValue(alert.status),
    [LABELS.fingerprint]: labelValue(alert.fingerprint),
    [LABELS.groupKey]: labelValue(group.key),
    ...(target !== undefined && { [LABELS.target]: target.digest }),
  };
}

function metadataOf(metadata: JsonObject, input: RenderInput, ours: StringMap): JobMetadata {
  const { name, generateName, namespace, labels, annotations, ...rest } = metadata;
  refuseNonText('metadata.name', name);
  refuseNonText('metadata.generateName', generateName);
  if (!isAbsent(namespace) && namespace !== input.namespace) {
    const message = `metadata.namespace is ${shown(namespace)}, but Jobs are created in ${shown(input.namespace)}`;
    throw invalid('namespace', '', message, 'leave it out').at('metadata.namespace');
  }
  return {
    name: jobName(jobPrefix(input.operarius), input.identity),
    namespace: input.namespace,
    labels: {
      ...withoutMark(textsAt('metadata.labels', labels)),
      ...ours,
      ...(input.answerBy !== undefined && { [LABELS.approval]: ASKED }),
    },
    annotations: { ...textsAt('metadata.annotations', annotations), ...annotationsOf(input) },
    ...rest,
  };
}

const secondOf = (ms: number): string => formatInstant(instantOf(Math.floor(ms / 1000) * 1000));

/** Nobody was asked about a Job that its template calls so. */
function withoutMark({ [LABELS.approval]: _, ...labels }: StringMap): StringMap {
  return labels;
}

/** An alertname may have megabytes; the API server takes 256 KiB of annotations. */
const ANNOTATION_LIMIT = 1024;

function annotationsOf({ operarius, remediation, identity, answerBy }: RenderInput): StringMap {
  const { id, alert } = remediation;
  const short = (text: string): string => cutText(plainText(text), ANNOTATION_LIMIT).text;
  const traceparent = readTraceparent(remediation.traceparent);
  return {
    [ANNOTATIONS.remediation]: id,
    [ANNOTATIONS.alertname]: short(alert.labels['alertname'] ?? ''),
    [ANNOTATIONS.startsAt]: short(formatInstant(alert.startsAt)),
    [ANNOTATIONS.dedupKey]: dedupKeyText(identity),
    [ANNOTATIONS.definition]: operarius.definition,
    ...(traceparent !== undefined && { [ANNOTATIONS.traceparent]: traceparent }),
    ...(answerBy !== undefined && { [ANNOTATIONS.approvalUntil]: secondOf(answerBy) }),
  };
}

/** A finished Job stays at least this long, in seconds: a name that is gone cannot stop a late worker. */
const SHORTEST_TTL = 300;

function withLifetime(
  spec: JsonObject,
  { ttlSeconds, deadlineSeconds }: RenderInput,
): { readonly spec: JsonObject; readonly warnings: readonly string[] } {
  const ttl = unlessSet(spec['ttlSecondsAfterFinished'], ttlSeconds);
  const deadline = unlessSet(spec['activeDeadlineSeconds'], deadlineSeconds);
  const tooShort = typeof ttl === 'number' && ttl < SHORTEST_TTL;
  return {
    spec: {
      ...spec,
      ...(ttl === undefined ? {} : { ttlSecondsAfterFinished: tooShort ? SHORTEST_TTL : ttl }),
      ...(deadline === undefined ? {} : { activeDeadlineSeconds: deadline }),
    },
    warnings: tooShort
      ? [
          `ttlSecondsAfterFinished of ${ttl} is raised to ${SHORTEST_TTL}: a Job that is deleted too soon cannot stop a delayed worker from creating it again`,
        ]
      : [],
  };
}

/** What the author wrote, right or wrong, else the setting. */
function unlessSet(written: Json | undefined, setting: number): Json | undefined {
  if (!isAbsent(written)) return written;
  return setting === 0 ? undefined : setting;
}

function withAlert(
  template: JsonObject,
  { remediation, ownServiceAccount }: RenderInput,
  ours: StringMap,
): { readonly template: JsonObject; readonly warnings: readonly string[] } {
  const { metadata, spec, ...rest } = template;
  const podMetadata = objectOrNone('spec.template.metadata', metadata);
  const podSpec = objectAt('spec.template.spec', spec);
  refuseServiceAccount(podSpec, ownServiceAccount);
  const labels = { ...textsAt('spec.template.metadata.labels', podMetadata['labels']), ...ours };
  const filled = withEnvironment(podSpec, remediation);
  return {
    template: { metadata: { ...podMetadata, labels }, spec: filled.podSpec, ...rest },
    warnings:
      filled.truncated.length === 0
        ? []
        : [
            `the alert is too large: ${filled.truncated.length} variables were cut or left out, see OPENFERO_META_TRUNCATED of the Job`,
          ],
  };
}

/** Who may write operarii would have the worker's own rights otherwise. */
function refuseServiceAccount(podSpec: JsonObject, own: string | undefined): void {
  if (!own) return;
  for (const field of ['serviceAccountName', 'serviceAccount']) {
    if (podSpec[field] !== own) continue;
    const message = `spec.template.spec.${field} is ${shown(own)}, OpenFero's own`;
    const fix = 'give the Job a ServiceAccount of its own';
    throw invalid('own-account', '', message, fix).at(`spec.template.spec.${field}`);
  }
}

/** YAML's `labels:` with nothing behind it is null; the API server takes it as not there, and so do we. */
function isAbsent(value: Json | undefined): value is null | undefined {
  return value === undefined || value === null;
}

function objectAt(place: string, value: Json | undefined): JsonObject {
  if (isObject(value)) return value;
  const message = isAbsent(value) ? `${place} is missing` : `${place} is ${shown(value)}`;
  throw invalid('manifest', '', message, 'expected an object').at(place);
}

function objectOrNone(place: string, value: Json | undefined): JsonObject {
  return isAbsent(value) ? {} : objectAt(place, value);
}

function textsAt(place: string, value: Json | undefined): StringMap {
  const texts: [string, string][] = [];
  for (const [key, text] of Object.entries(objectOrNone(place, value))) {
    if (typeof text !== 'string') {
      throw notText(`${place}: ${shown(key)}`, text).at(`${place}.${key}`);
    }
    texts.push([key, text]);
  }
  return Object.fromEntries(texts);
}

function refuseNonText(place: string, value: Json | undefined): void {
  if (isAbsent(value) || typeof value === 'string') return;
  throw notText(place, value).at(place);
}

function notText(place: string, value: Json): InvalidOperarius {
  const message = `${place} is ${shown(value)}, not a string`;
  return invalid('manifest', '', message, 'put it in quotes');
}

/** One short line, whatever the author wrote. */
function shown(value: Json): string {
  const json = JSON.stringify(value);
  return json.length > 60 ? `${json.slice(0, 60)}...` : json;
}

import { oneLine } from '../one-line.ts';

/** What can be found in a definition. The names are contract: people silence a finding by its id. */
export const FINDING_IDS = [
  /** The value is not YAML. */
  'yaml',
  /** The manifest is not a Job that OpenFero can create. */
  'manifest',
  /** An annotation is wrong, or what should be one is written elsewhere. */
  'policy',
  /** The annotation openfero.io/match is wrong. */
  'matcher',
  /** The name of the ConfigMap leads to no alert. */
  'name',
  /** The ConfigMap has not the label that makes it an operarius. */
  'label',
  /** Two ConfigMaps are for the same alert. */
  'twice',
  /** A placeholder that nothing expands. */
  'template',
  /** The manifest names another namespace than that of the Jobs. */
  'namespace',
  /** The manifest names the ServiceAccount of OpenFero. */
  'own-account',
  /** The API server rejects the Job. */
  'rejected',
  /** The API server does not know a field. */
  'unknown-field',
  /** The API server warns of something else. */
  'server-warning',
  /** Text of the alert becomes part of a shell script. */
  'shell-paste',
  /** A shell splits a value of the alert into words. */
  'unquoted',
  /** A shell computes with a value of the alert. */
  'computed',
  /** A value of the alert can be an option of the program that gets it. */
  'option-like',
  /** The Job would be created, and its Pods would not start. */
  'never-starts',
  /** The Job would be deleted too soon after its end. */
  'short-ttl',
  /** A container sets a variable that OpenFero would set. */
  'own-variable',
  /** No rule of Prometheus has an alert of that name. */
  'unknown-alert',
  /** The rule of the alert gives it no such label. */
  'unknown-label',
  /** An image without a fixed version. */
  'latest',
  /** The Pods use the namespace's default ServiceAccount. */
  'no-account',
  /** A container without a limit of memory. */
  'no-limits',
] as const;
export type FindingId = (typeof FINDING_IDS)[number];

/** One thing that the author of a definition should know. */
export interface Finding {
  readonly id: FindingId;
  /** With an error nothing is run. */
  readonly severity: 'error' | 'warning' | 'info';
  /** `ConfigMap jobs/openfero-disk-firing, key Disk`; empty until it is known. */
  readonly place: string;
  /** What is wrong. */
  readonly message: string;
  /** What to do, or what was expected; empty where the message says it. */
  readonly fix: string;
  /**
   * The field in the ConfigMap, `metadata.annotations.openfero.io/cooldown`. That of the manifest follows
   * its key: `data.Disk.spec.suspend`.
   */
  readonly path?: string;
  /** Of the text at the path, counted from 1: where that is no YAML. */
  readonly line?: number;
}

export function error(id: FindingId, place: string, message: string, fix = ''): Finding {
  return { id, severity: 'error', place, message, fix };
}

export function warning(id: FindingId, place: string, message: string, fix = ''): Finding {
  return { id, severity: 'warning', place, message, fix };
}

/** What only `openfero lint` says: an author may have a reason. */
export function info(id: FindingId, place: string, message: string, fix = ''): Finding {
  return { id, severity: 'info', place, message, fix };
}

/** The finding with the field that it is about. */
export function inField(path: string, finding: Finding): Finding {
  return { ...finding, path };
}

/** The same findings, whose paths are below another. */
export function below(path: string, findings: readonly Finding[]): Finding[] {
  return findings.map((finding) =>
    inField([path, finding.path ?? ''].filter((part) => part !== '').join('.'), finding),
  );
}

export function isError({ severity }: Finding): boolean {
  return severity === 'error';
}

/** The finding as one line, for a log or an Event. */
export function textOf({ place, message, fix }: Finding): string {
  return oneLine([place, message, fix].filter((part) => part !== '').join(': '));
}

/** Pod Security's levels; later is stricter. */
const LEVELS = ['privileged', 'baseline', 'restricted'];
const VIOLATION = /^would violate PodSecurity "(\w+):/;

const UNKNOWN_FIELD = /^unknown field "([^"]*)"/;

/** The field that a warning begins with: `spec.template.spec.nodeSelector[...]: deprecated since ...`. */
const FIELD = /^spec(?:\.\w+|\[\d+\])+/;

/**
 * What an API server warns of when it takes a Job.
 *
 * @param enforced the Pod Security level that the Jobs' namespace enforces, undefined where it is not
 *   known. A namespace may warn of a stricter one.
 */
export function findingOfServer(
  text: string,
  place: string,
  enforced: string | undefined,
): Finding {
  const level = VIOLATION.exec(text)?.[1];
  if (level !== undefined) {
    const fix = 'set the securityContext that this level wants';
    if (LEVELS.indexOf(level) <= LEVELS.indexOf(enforced ?? '')) {
      return error('never-starts', place, `its Pods cannot start: ${text}`, fix);
    }
    const message = `its Pods cannot start if the namespace enforces this: ${text}`;
    return warning('never-starts', place, message, fix);
  }
  const field = UNKNOWN_FIELD.exec(text)?.[1];
  if (field !== undefined) {
    const fix = 'correct its name or its place, or remove it';
    return inField(field, warning('unknown-field', place, text, fix));
  }
  return inField(FIELD.exec(text)?.[0] ?? '', warning('server-warning', place, text));
}

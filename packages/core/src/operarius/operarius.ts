import { createHash } from 'node:crypto';
import type { AlertStatus } from '../alert.ts';
import type { ConfigMap, Json, JsonObject } from '../kubernetes.ts';
import { InvalidYaml, parseManifest } from '../yaml/yaml.ts';
import { envFromWarnings } from './env-from-warnings.ts';
import { InvalidOperarius } from './invalid-operarius.ts';
import { checkManifest } from './manifest.ts';
import { POLICY_ANNOTATIONS, type Policy, readPolicy } from './policy.ts';
import { shellWarnings } from './shell-warnings.ts';

export { InvalidOperarius } from './invalid-operarius.ts';

/** A definition, read and found good: what to run, and how. */
export interface Operarius {
  /** The ConfigMap's. */
  readonly name: string;
  readonly namespace: string;
  /** The Job manifest of the data key, as its author wrote it. Never changed: render copies. */
  readonly template: JsonObject;
  readonly policy: Policy;
  /** What the author should know although it runs. */
  readonly warnings: readonly string[];
}

/** Kubernetes' limit of a ConfigMap's name, and of a key in it. */
const MAX_NAME = 253;
const HASH_DIGITS = 10;

/**
 * The ConfigMap that an alert asks for: `openfero-<alertname>-<status>` in lower case, and always a
 * name that Kubernetes takes (DNS-1123 subdomain). A run of other characters becomes `-`; a dot stays
 * between two letters or digits. Over 253 characters it is cut, and ends in ten digits of the
 * SHA-256 of the whole, so that long alertnames stay apart.
 */
export function operariusName(alertname: string, status: AlertStatus): string {
  const name = `openfero-${alertname}-${status}`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, (run) => (run === '.' ? '.' : '-'));
  if (name.length <= MAX_NAME) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_DIGITS);
  const start = name.slice(0, MAX_NAME - HASH_DIGITS - 1).replace(/[-.]+$/, '');
  return `${start}-${hash}`;
}

/**
 * The key of the ConfigMap's data that holds the Job: the alertname in its own case, with `_` for each
 * character that a key may not have.
 *
 * Source: kubernetes, apimachinery/pkg/util/validation.IsConfigMapKey.
 */
export function dataKey(alertname: string): string {
  return alertname
    .replace(/[^-._a-zA-Z0-9]/gu, '_')
    .replace(/^\.$/, '_')
    .replace(/^\.\./, '__')
    .slice(0, MAX_NAME);
}

/**
 * Reads the definition of an alert from the ConfigMap that is called its {@link operariusName}. Whether
 * that carries the label is not looked at here.
 *
 * @param defaults the worker's settings
 * @returns undefined where several alertnames make that name, and the annotation
 *   `openfero.io/alertname` says that it is for another one
 * @throws {InvalidOperarius} one line: the ConfigMap, the place in it, what is wrong
 */
export function readOperarius(
  configMap: ConfigMap,
  alertname: string,
  defaults: Policy,
): Operarius | undefined {
  const { name, namespace, annotations } = configMap.metadata;
  const meant = annotations?.[POLICY_ANNOTATIONS.alertname];
  if (meant !== undefined && meant !== alertname) return undefined;
  const where = `ConfigMap ${namespace}/${name}`;
  const policy = readPolicy(annotations, defaults, where);
  const template = readTemplate(configMap, dataKey(alertname), where);
  const warnings = [...shellWarnings(template), ...envFromWarnings(template)];
  return { name, namespace, template, policy, warnings };
}

function readTemplate(configMap: ConfigMap, key: string, where: string): JsonObject {
  const data: Readonly<Record<string, unknown>> = configMap.data ?? {};
  if (!Object.hasOwn(data, key)) {
    throw new InvalidOperarius(`${where} has no data key ${key}: found ${keysOf(data)}`);
  }
  const text = data[key];
  const place = `${where}, key ${key}`;
  // A file can hold what an API server would not.
  if (typeof text !== 'string') {
    throw new InvalidOperarius(`${place} is not a string: begin the manifest with "${key}: |-"`);
  }
  return checkManifest(readYaml(text, place), place);
}

function readYaml(text: string, place: string): Json {
  try {
    return parseManifest(text);
  } catch (error) {
    if (error instanceof InvalidYaml) throw new InvalidOperarius(`${place}, ${error.message}`);
    throw error;
  }
}

/** More would not make the message clearer. */
const MAX_KEYS = 5;

function keysOf(data: Readonly<Record<string, unknown>>): string {
  const keys = Object.keys(data);
  if (keys.length === 0) return 'none';
  const more = keys.length > MAX_KEYS ? ` and ${keys.length - MAX_KEYS} more` : '';
  return `${keys.slice(0, MAX_KEYS).join(', ')}${more}`;
}

const STATUSES: readonly AlertStatus[] = ['firing', 'resolved'];

/**
 * The alertnames that lead to this ConfigMap, for checking it before an alert comes: the annotation's,
 * else the data keys' that make its name. Empty where none does, and the definition would never run.
 */
export function alertnamesOf(configMap: ConfigMap): string[] {
  const { name, annotations } = configMap.metadata;
  const meant = annotations?.[POLICY_ANNOTATIONS.alertname];
  const candidates = meant === undefined ? Object.keys(configMap.data ?? {}) : [String(meant)];
  return candidates.filter((candidate) =>
    STATUSES.some((status) => operariusName(candidate, status) === name),
  );
}

import type { ConfigMap, Json, JsonObject } from '../kubernetes.ts';
import { InvalidYaml, parseManifest } from '../yaml/yaml.ts';
import { definitionDigest } from './definition.ts';
import { sharedNames } from './env-from.ts';
import { containersOf } from './fields.ts';
import { below, error, type Finding, inField, isError, warning } from './findings.ts';
import { InvalidOperarius, invalid, withPath } from './invalid-operarius.ts';
import { checkManifest } from './manifest.ts';
import { misplacedInJob, misplacedPolicies } from './misplaced.ts';
import { dataKey, listed, subjectOf } from './names.ts';
import { neverStarts } from './never-starts.ts';
import { POLICY_ANNOTATIONS, type Policy, readPolicy } from './policy.ts';
import { annotationPath } from './policy-names.ts';
import { withoutServerOwned } from './server-owned.ts';
import { shellPaste } from './shell-paste.ts';
import { shellValues } from './shell-values.ts';
import { unexpanded } from './unexpanded.ts';

export {
  below,
  error,
  type Finding,
  findingOfServer,
  inField,
  textOf,
  warning,
} from './findings.ts';
export { foreseen } from './foreseen.ts';
export { InvalidOperarius, invalid } from './invalid-operarius.ts';
export {
  dataKey,
  isMeantAsOperarius,
  listed,
  operariusName,
  type Subject,
  subjectOf,
} from './names.ts';

/** A definition, read and found good: what to run, and how. */
export interface Operarius {
  /** The ConfigMap's. */
  readonly name: string;
  readonly namespace: string;
  /** Of its data: what holds the manifest. */
  readonly key: string;
  /** The Job manifest as its author wrote it, without what belongs to a server. Never changed: render copies. */
  readonly template: JsonObject;
  readonly policy: Policy;
  /** Which version of the definition this is, see definitionDigest. */
  readonly definition: string;
  /** What the author should know although it runs: warnings only. */
  readonly findings: readonly Finding[];
}

/**
 * Reads the definition of an alert from its ConfigMap. Whether that carries the label is not looked at
 * here. All that is wrong is found at once, as far as the text can be read.
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
  const { annotations } = configMap.metadata;
  const meant = annotations?.[POLICY_ANNOTATIONS.alertname];
  // Reading the policy refuses one that is not a string.
  if (typeof meant === 'string' && meant !== alertname) return undefined;
  const { operarius, findings } = examineOperarius(configMap, alertname, defaults);
  if (operarius === undefined) throw new InvalidOperarius(findings.filter(isError));
  return operarius;
}

/** What a ConfigMap holds, and all that is to say about it. */
export interface Examined {
  /** Undefined where one of the findings is an error. */
  readonly operarius: Operarius | undefined;
  /** Its key and its manifest, as far as that is a Job. */
  readonly manifest: { readonly key: string; readonly template: JsonObject } | undefined;
  readonly findings: readonly Finding[];
}

/** The same, with all that is wrong: errors and warnings. */
export function examineOperarius(
  configMap: ConfigMap,
  alertname: string,
  defaults: Policy,
): Examined {
  const { name, namespace, annotations } = configMap.metadata;
  const where = `ConfigMap ${namespace}/${name}`;
  const findings: Finding[] = [];
  const read = <T>(part: () => T): T | undefined => {
    try {
      return part();
    } catch (thrown) {
      if (!(thrown instanceof InvalidOperarius)) throw thrown;
      findings.push(...thrown.findings);
      return undefined;
    }
  };
  const subject = read(() => subjectOf(configMap));
  const policy = read(() => readPolicy(annotations, defaults, where));
  if (policy?.onlyAfterFiring && subject?.status === 'firing') findings.push(onlyResolved(where));
  findings.push(...misplacedPolicies(configMap, alertname, where));
  const template = read(() => readTemplate(configMap, alertname, where));
  findings.push(...(template?.findings ?? []));
  if (findings.some(isError) || policy === undefined || template === undefined) {
    return { operarius: undefined, manifest: template, findings };
  }
  const { key, template: job } = template;
  const definition = definitionDigest(configMap);
  const operarius = { name, namespace, key, template: job, policy, definition, findings };
  return { operarius, manifest: template, findings };
}

function onlyResolved(where: string): Finding {
  const annotation = POLICY_ANNOTATIONS.onlyAfterFiring;
  const message = `annotation ${annotation} is for resolved alerts, and this is for firing ones`;
  return inField(annotationPath(annotation), error('policy', where, message, 'remove it'));
}

interface Template {
  readonly key: string;
  readonly template: JsonObject;
  readonly findings: readonly Finding[];
}

function readTemplate(configMap: ConfigMap, alertname: string, where: string): Template {
  const [key, text] = withPath('data', () => definitionOf(configMap, alertname, where));
  return withPath(`data.${key}`, () => readManifest(text, key, `${where}, key ${key}`));
}

function readManifest(text: unknown, key: string, place: string): Template {
  // A file can hold what an API server would not.
  if (typeof text !== 'string') {
    throw invalid(
      'manifest',
      place,
      'the value is not a string',
      `begin the manifest with "${key}: |-"`,
    );
  }
  const manifest = checkManifest(readYaml(text, place), place);
  const { template, findings } = withoutServerOwned(manifest, place);
  return {
    key,
    template,
    findings: below(`data.${key}`, [
      ...findings,
      ...misplacedInJob(template, place),
      ...neverStarts(template, place),
      ...unexpanded(template, place),
      ...shellPaste(template, place),
      ...shellValues(template, place),
      ...ownVariables(template, place),
      ...sharedNames(template, place),
    ]),
  };
}

/** The key and the value that hold the Job: the only one, or of several the alertname's. */
function definitionOf(
  { data = {}, binaryData }: ConfigMap,
  alertname: string,
  where: string,
): readonly [string, unknown] {
  const entries: [string, unknown][] = Object.entries(data ?? {});
  const key = dataKey(alertname);
  const binary = Object.keys(binaryData ?? {});
  if (binary.includes(key) || (entries.length === 0 && binary.length > 0)) {
    throw invalid(
      'manifest',
      where,
      `${listed(binary)} is in binaryData`,
      'save the file as UTF-8 text',
    );
  }
  const [only] = entries;
  if (only !== undefined && entries.length === 1) return only;
  const found = entries.find(([name]) => name === key);
  if (found !== undefined) return found;
  const keys = listed(entries.map(([name]) => name));
  throw only === undefined
    ? invalid(
        'manifest',
        where,
        'it has no data',
        `write the manifest of the Job under data, as ${key}: |-`,
      )
    : invalid(
        'manifest',
        where,
        `none of its data keys is ${key}: found ${keys}`,
        'keep one key, or name it after the alert',
      );
}

function readYaml(text: string, place: string): Json {
  try {
    return parseManifest(text);
  } catch (thrown) {
    if (!(thrown instanceof InvalidYaml)) throw thrown;
    const finding = error('yaml', place, thrown.message);
    const { line } = thrown;
    throw new InvalidOperarius([line === undefined ? finding : { ...finding, line }]);
  }
}

function ownVariables(template: JsonObject, place: string): Finding[] {
  return containersOf(template).flatMap(({ name, path, env }) => {
    const own = env.map((one) => one.name).filter((each) => each.startsWith('OPENFERO_'));
    if (own.length === 0) return [];
    const message = `container ${name} sets ${listed(own)} itself, so it does not get the value of the alert`;
    const finding = warning('own-variable', place, message, 'give it another name');
    return [inField(`${path}.env`, finding)];
  });
}

import { refuseSeveral, trackAnnotated } from '../decisions/annotated.ts';
import type { ConfigMap } from '../kubernetes.ts';
import { GLOBAL_CONFIGMAP, readGlobalSwitch } from '../operarius/global-switch.ts';
import {
  below,
  error,
  examineOperarius,
  type Finding,
  foreseen,
  InvalidOperarius,
  inField,
  isMeantAsOperarius,
  type Operarius,
  type Subject,
  subjectOf,
  warning,
} from '../operarius/operarius.ts';
import type { Policy } from '../operarius/policy.ts';
import { renderSample, sampleAlert } from '../render/sample.ts';
import { type Definition, type Placed, readDefinitions, type Source } from './documents.ts';
import { isIgnored, linesOf } from './ignored.ts';
import { compareWithRules, type Rule } from './rules.ts';
import { ownNamespace } from './sample-jobs.ts';

/** What definitions are compared with. */
export interface LintSettings {
  /** What annotations override. */
  readonly policy: Policy;
  /** Undefined where it is not known: then each Job may be where its ConfigMap is. */
  readonly jobNamespace: string | undefined;
  readonly jobTtl: number;
  readonly jobDeadline: number;
  readonly ownServiceAccount: string;
  readonly labelSelector: string;
  readonly selects: (labels: Readonly<Record<string, unknown>>) => boolean;
  /** Undefined where none were given. */
  readonly rules: readonly Rule[] | undefined;
}

/** The operarii of some texts, and what of these cannot be read. */
export interface Operarii {
  readonly sources: readonly Source[];
  readonly definitions: readonly Definition[];
  readonly unreadable: readonly Placed[];
}

export interface Linted {
  /** By file and line. */
  readonly findings: readonly Placed[];
  /** All operarii, right or wrong. */
  readonly definitions: readonly Definition[];
}

/** @param namespace of ConfigMaps that name none */
export function readOperarii(
  sources: readonly Source[],
  settings: LintSettings,
  namespace?: string,
): Operarii {
  const contents = sources.map((source) => readDefinitions(source, namespace));
  return {
    sources,
    definitions: contents
      .flatMap((each) => each.definitions)
      .filter(({ configMap }) => isOurs(configMap, settings)),
    unreadable: contents.flatMap((each) => each.findings),
  };
}

/**
 * Says all that is wrong with operarii, unless a comment silences it.
 *
 * @param ofServer what an API server has found
 */
export function lint(
  { sources, definitions, unreadable }: Operarii,
  settings: LintSettings,
  ofServer: ReadonlyMap<Definition, readonly Finding[]> = new Map(),
): Linted {
  const lines = linesOf(sources);
  const findings = [
    ...unreadable,
    ...definitions.flatMap((definition) =>
      [...findingsOf(definition, settings), ...(ofServer.get(definition) ?? [])].map((finding) =>
        placed(finding, definition),
      ),
    ),
    ...twice(definitions),
  ].filter((finding) => !isIgnored(finding, lines));
  return { findings: inOrder(findings), definitions };
}

function isOurs({ metadata }: ConfigMap, { selects }: LintSettings): boolean {
  return (
    metadata.name === GLOBAL_CONFIGMAP ||
    selects(metadata.labels ?? {}) ||
    isMeantAsOperarius(metadata)
  );
}

function placed(finding: Finding, { file, lineOf }: Definition): Placed {
  // The message of YAML names the line of the text, which is not that of the file.
  const message =
    finding.id === 'yaml' ? finding.message.replace(/^line \d+: /, '') : finding.message;
  return { ...finding, message, file, line: lineOf(finding.path ?? '', finding.line) };
}

function inOrder(findings: readonly Placed[]): Placed[] {
  const unique = new Map(
    findings.map((one) => [[one.file, one.line, one.id, one.message].join('\n'), one]),
  );
  return [...unique.values()].sort(
    (a, b) => compare(a.file, b.file) || a.line - b.line || compare(a.id, b.id),
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function findingsOf(definition: Definition, settings: LintSettings): Finding[] {
  const { configMap } = definition;
  const { metadata } = configMap;
  if (metadata.name === GLOBAL_CONFIGMAP) return switchFindings(configMap);
  const label = settings.selects(metadata.labels ?? {}) ? [] : [missingLabel(settings)];
  return [...label, ...definitionFindings(definition, settings)];
}

function switchFindings(configMap: ConfigMap): Finding[] {
  const { mistaken, reason } = readGlobalSwitch(configMap);
  if (mistaken !== true) return [];
  const path = 'metadata.annotations.openfero.io/mode';
  return [inField(path, error('policy', '', `the ConfigMap openfero: ${reason}`))];
}

function missingLabel({ labelSelector }: LintSettings): Finding {
  const message = `it looks like an operarius but is not selected by ${labelSelector}, so it never runs`;
  const fix = `add the label ${labelSelector.replace('=', ': ')}`;
  return inField('metadata.name', error('label', '', message, fix));
}

function definitionFindings(definition: Definition, settings: LintSettings): Finding[] {
  const { configMap } = definition;
  const subject = subjectOrErrors(configMap);
  if (subject instanceof InvalidOperarius) {
    // Its manifest can be looked at all the same: whose alert it is for makes no difference.
    const [alertname = ''] = Object.keys(configMap.data ?? {});
    return [...subject.findings, ...examined(definition, alertname, settings).findings];
  }
  return subject.alertnames.flatMap((alertname) => {
    const { operarius, findings } = examined(definition, alertname, settings);
    if (operarius === undefined) return findings;
    return [...findings, ...rendered(definition, operarius, subject, settings)];
  });
}

function subjectOrErrors(configMap: ConfigMap): Subject | InvalidOperarius {
  try {
    return subjectOf(configMap);
  } catch (thrown) {
    if (thrown instanceof InvalidOperarius) return thrown;
    throw thrown;
  }
}

function examined(
  { configMap }: Definition,
  alertname: string,
  { policy }: LintSettings,
): { readonly operarius: Operarius | undefined; readonly findings: Finding[] } {
  const { operarius, manifest, findings } = examineOperarius(configMap, alertname, policy);
  const more =
    manifest === undefined ? [] : below(`data.${manifest.key}`, foreseen(manifest.template, ''));
  return { operarius, findings: [...findings, ...more] };
}

/** What rendering refuses or changes, and what the rules of Prometheus say. */
function rendered(
  { configMap, inNamespace }: Definition,
  operarius: Operarius,
  subject: Subject,
  settings: LintSettings,
): Finding[] {
  const { jobNamespace = ownNamespace(operarius, inNamespace), rules } = settings;
  const alert = sampleAlert(subject.status, subject.alertnames[0] ?? '', 0);
  const text = configMap.data?.[operarius.key] ?? '';
  const ofRules =
    rules === undefined ? [] : compareWithRules(subject, { key: operarius.key, text }, rules);
  try {
    const { warnings } = renderSample(operarius, alert, { ...settings, jobNamespace }, 0);
    const ttl = warnings.map((message) =>
      inField('spec.ttlSecondsAfterFinished', warning('short-ttl', '', message)),
    );
    return [...below(`data.${operarius.key}`, ttl), ...ofRules];
  } catch (thrown) {
    if (!(thrown instanceof InvalidOperarius)) throw thrown;
    return [...below(`data.${operarius.key}`, thrown.findings), ...ofRules];
  }
}

/** One name in two places, or two ConfigMaps that name one alert. */
function twice(definitions: readonly Definition[]): Placed[] {
  const first = new Map<string, Definition>();
  return definitions.flatMap((definition) => {
    const { namespace, name } = definition.configMap.metadata;
    const earlier = first.get(`${namespace}/${name}`);
    if (earlier === undefined) {
      first.set(`${namespace}/${name}`, definition);
      return twiceNamed(definition, definitions);
    }
    const message = `ConfigMap ${name} is defined in ${earlier.file}:${earlier.lineOf('metadata.name')} too`;
    const finding = error('twice', '', message, 'keep one of them');
    return [placed(inField('metadata.name', finding), definition)];
  });
}

function twiceNamed(definition: Definition, definitions: readonly Definition[]): Placed[] {
  const { configMap } = definition;
  const { namespace } = configMap.metadata;
  const all = new Map(
    definitions
      .filter((other) => other.configMap.metadata.namespace === namespace)
      .map((other) => [other.configMap.metadata.name, other.configMap]),
  );
  const annotated = trackAnnotated({ all: () => all.values(), revision: () => 0 });
  try {
    const { status, alertnames } = subjectOf(configMap);
    const [alertname = ''] = alertnames;
    const named = annotated.for(alertname, status);
    if (named.includes(configMap)) refuseSeveral(named, { labels: { alertname }, status });
    return [];
  } catch (thrown) {
    if (!(thrown instanceof InvalidOperarius)) throw thrown;
    return thrown.findings
      .filter(({ id }) => id === 'twice')
      .map((finding) => placed(inField('metadata.annotations', finding), definition));
  }
}

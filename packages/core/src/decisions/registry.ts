import type { Alert } from '../alert.ts';
import { jobPrefix, looksLikeOwnJob } from '../identity/job-name.ts';
import type { ConfigMap } from '../kubernetes.ts';
import { matchesAll } from '../matchers/matchers.ts';
import { createDigester } from '../operarius/definition.ts';
import {
  GLOBAL_CONFIGMAP,
  type GlobalSwitch,
  readGlobalSwitch,
} from '../operarius/global-switch.ts';
import {
  dataKey,
  InvalidOperarius,
  invalid,
  type Operarius,
  operariusName,
  readOperarius,
  subjectOf,
} from '../operarius/operarius.ts';
import { type Mode, POLICY_ANNOTATIONS, type Policy, strictest } from '../operarius/policy.ts';
import { type AllDefinitions, refuseSeveral, trackAnnotated } from './annotated.ts';
import { jobNamesIn, mayBeIn } from './job-labels.ts';

/** What is known of the cluster without asking it. */
export interface KnownCluster {
  readonly operarii: Definitions;
  readonly jobs: {
    /** Whether it has a Job of ours with that name. */
    isOurs(name: string): boolean;
    /** Whether a Job can wait there for a person: else `approve` counts as `dry-run`. */
    readonly canWait: boolean;
  };
}

/** The ConfigMaps as they are now. */
export interface Definitions extends AllDefinitions {
  /** The one of that name, if the label selector selects it. */
  get(name: string): ConfigMap | undefined;
  /** The ConfigMap `openfero`, whatever its labels. */
  globalSwitch(): ConfigMap | undefined;
}

/** ConfigMaps that do not change. */
export function definitionsOf(configMaps: readonly ConfigMap[]): Definitions {
  const byName = new Map(configMaps.map((one) => [one.metadata.name, one]));
  return {
    get: (name) => byName.get(name),
    globalSwitch: () => byName.get(GLOBAL_CONFIGMAP),
    all: () => byName.values(),
    revision: () => 0,
  };
}

/** The operarii as they are now, parsed once per version. Costs no call to the cluster. */
export interface OperariusRegistry {
  /**
   * Finds the operarius for an alert, or says why there is none.
   *
   * @throws {InvalidOperarius} where there is one and it is invalid
   */
  find(alert: Alert): Found;
  /** The name of the alert's ConfigMap if there is one, valid or not, else the empty string. */
  nameFor(alert: Alert): string;
  /** The digest of the alert's ConfigMap as it is now, valid or not; undefined where there is none. */
  definitionFor(alert: Alert): string | undefined;
  /** The strictest of OPENFERO_MODE, the global switch and the operarius' own. */
  modeOf(operarius: Operarius): Mode;
  /** Which of the three is off, in words. */
  whyOff(operarius: Operarius): string;
  /** Why the matchers exclude the alert, or undefined. */
  mismatch(operarius: Operarius, alert: Alert): string | undefined;
  /** The OpenFero Job in that namespace that an alert is about, or undefined. */
  ownJobOf(alert: Alert, namespace: string): string | undefined;
}

export type Found =
  | { readonly operarius: Operarius }
  | { readonly operarius: undefined; readonly reason: string };

/** ConfigMaps that can be read, and whose Jobs nothing would start: why, by uid and resourceVersion. */
export type NeverStarting = ReadonlyMap<string, string>;

/**
 * @param defaults the policy of the settings, which annotations override
 * @param neverStarting as the latest checks found it
 */
export function createOperariusRegistry(
  cluster: KnownCluster,
  defaults: Policy,
  neverStarting: NeverStarting = new Map(),
): OperariusRegistry {
  const read = createReader(defaults);
  const jobPrefixes = trackJobPrefixes(cluster, read);
  const annotated = trackAnnotated(cluster.operarii);
  const globalSwitch = trackGlobalSwitch(cluster);
  const digestOf = createDigester();
  /** Those that name the alert, else the one that has its name. */
  const configMapsFor = ({ labels, status }: Alert): readonly ConfigMap[] => {
    const { alertname = '' } = labels;
    const named = annotated.for(alertname, status);
    if (named.length > 0) return named;
    const configMap = cluster.operarii.get(operariusName(alertname, status));
    return configMap === undefined ? [] : [configMap];
  };
  return {
    find(alert) {
      const { alertname = '' } = alert.labels;
      const name = operariusName(alertname, alert.status);
      const found = configMapsFor(alert);
      const [configMap] = found;
      if (configMap === undefined) {
        return {
          operarius: undefined,
          reason: `no ConfigMap ${name} has the labels of OPENFERO_LABEL_SELECTOR`,
        };
      }
      refuseSeveral(found, alert);
      refuseNeverStarting(configMap, neverStarting);
      const operarius = read(configMap, alertname);
      if (operarius !== undefined) return { operarius };
      return {
        operarius,
        reason: `the annotation openfero.io/alertname of ConfigMap ${name} names another alert`,
      };
    },
    nameFor: (alert) => configMapsFor(alert)[0]?.metadata.name ?? '',
    definitionFor(alert) {
      const [configMap] = configMapsFor(alert);
      return configMap && digestOf(configMap);
    },
    modeOf({ policy }) {
      const mode = strictest(policy.mode, globalSwitch().mode);
      return mode === 'approve' && !cluster.jobs.canWait ? 'dry-run' : mode;
    },
    whyOff({ name }) {
      if (defaults.mode === 'off') return 'OPENFERO_MODE is off';
      const { mode, reason } = globalSwitch();
      if (mode === 'off') return `the ConfigMap openfero switches all off: ${reason}`;
      return `ConfigMap ${name} has openfero.io/mode: off`;
    },
    mismatch({ policy }, alert) {
      if (matchesAll(policy.match, alert.labels)) return undefined;
      const { name, operator, value } =
        policy.match.find((one) => !matchesAll([one], alert.labels)) ?? policy.match[0] ?? NONE;
      return `the alert does not match ${name}${operator}${JSON.stringify(value)}`;
    },
    ownJobOf({ labels }, namespace) {
      const names = jobNamesIn(labels);
      return (
        names.find((name) => cluster.jobs.isOurs(name)) ??
        (mayBeIn(namespace, labels)
          ? names.find((name) => looksLikeOwnJob(name, jobPrefixes()))
          : undefined)
      );
    },
  };
}

const NONE = { name: '', operator: '=', value: '' };

type Read = (configMap: ConfigMap, alertname: string) => Operarius | undefined;

/** A definition, or why there is none. */
type Parsed = Operarius | InvalidOperarius;

/**
 * Parsing takes a thousand times longer than a lookup, and seconds with the worst ConfigMap: once per
 * version and data key, of which a ConfigMap has few. Not per alertname: any number of them can lead to
 * one key.
 */
function createReader(defaults: Policy): Read {
  const known = new WeakMap<ConfigMap, Map<string, Parsed>>();
  return (configMap, alertname) => {
    const parsed = known.get(configMap) ?? new Map<string, Parsed>();
    known.set(configMap, parsed);
    const place = placeOf(configMap, alertname);
    const found = parsed.get(place) ?? parse(configMap, alertname, defaults);
    if (found === undefined) return undefined;
    // What is wrong with no key in particular names this alert.
    if (place !== '' || !(found instanceof InvalidOperarius)) parsed.set(place, found);
    if (found instanceof InvalidOperarius) throw found;
    return found;
  };
}

/**
 * What a definition is known by: the alertname that the ConfigMap is for, else its only key, else the one
 * of the alertname, if any.
 */
function placeOf({ metadata, data = {} }: ConfigMap, alertname: string): string {
  if (metadata.annotations?.[POLICY_ANNOTATIONS.alertname] !== undefined) return alertname;
  const [only, second] = Object.keys(data);
  if (only !== undefined && second === undefined) return only;
  const key = dataKey(alertname);
  return Object.hasOwn(data, key) ? key : '';
}

function parse(configMap: ConfigMap, alertname: string, defaults: Policy): Parsed | undefined {
  try {
    return readOperarius(configMap, alertname, defaults);
  } catch (error) {
    if (error instanceof InvalidOperarius) return error;
    throw error;
  }
}

/** The name prefixes of all operarii's Jobs, computed again when an operarius has changed. */
function trackJobPrefixes(cluster: KnownCluster, read: Read): () => ReadonlySet<string> {
  let revision: number | undefined;
  let prefixes: ReadonlySet<string> = new Set();
  return () => {
    if (revision === cluster.operarii.revision()) return prefixes;
    revision = cluster.operarii.revision();
    prefixes = new Set(
      [...cluster.operarii.all()].flatMap((configMap) => readAll(configMap, read)).map(jobPrefix),
    );
    return prefixes;
  };
}

function readAll(configMap: ConfigMap, read: Read): Operarius[] {
  try {
    return subjectOf(configMap).alertnames.flatMap((alertname) => read(configMap, alertname) ?? []);
  } catch {
    // An invalid definition creates no Jobs.
    return [];
  }
}

/** @throws {InvalidOperarius} where nothing would start the Jobs of this version */
function refuseNeverStarting({ metadata }: ConfigMap, problems: ReadonlyMap<string, string>): void {
  const problem = problems.get(`${metadata.uid}/${metadata.resourceVersion}`);
  if (problem !== undefined) throw invalid('never-starts', '', problem);
}

/** The switch is asked for with every remediation, and changes seldom. */
function trackGlobalSwitch(cluster: KnownCluster): () => GlobalSwitch {
  let configMap: ConfigMap | undefined;
  let known = readGlobalSwitch(undefined);
  return () => {
    const current = cluster.operarii.globalSwitch();
    if (current !== configMap) {
      configMap = current;
      known = readGlobalSwitch(current);
    }
    return known;
  };
}

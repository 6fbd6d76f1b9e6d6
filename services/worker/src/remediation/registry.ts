import type { Cluster } from '@openfero/cluster/cluster';
import type { Alert } from '@openfero/core/alert';
import { jobPrefix, looksLikeOwnJob } from '@openfero/core/identity/job-name';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { matchesAll } from '@openfero/core/matchers';
import {
  alertnamesOf,
  type Operarius,
  operariusName,
  readOperarius,
} from '@openfero/core/operarius';
import { type Mode, type Policy, readGlobalMode, strictest } from '@openfero/core/operarius/policy';

/** The operarii as they are now, read once per version. Costs no call to the cluster. */
export interface Registry {
  /**
   * The operarius for an alert, or why there is none.
   *
   * @throws {InvalidOperarius} where there is one and it is wrong
   */
  find(alert: Alert): Found;
  /** The name of the ConfigMap for an alert if there is one, good or not, else the empty string. */
  nameFor(alert: Alert): string;
  /** The strictest of OPENFERO_MODE, the global switch and the operarius' own. */
  modeOf(operarius: Operarius): Mode;
  /** Which of the three is off, for people. */
  whyOff(operarius: Operarius): string;
  /** Why the matchers leave the alert out, or undefined. */
  mismatch(operarius: Operarius, alert: Alert): string | undefined;
  /** The Job of ours that an alert is about, if it is about one in that namespace. */
  ownJobOf(alert: Alert, namespace: string): string | undefined;
}

export type Found =
  | { readonly operarius: Operarius }
  | { readonly operarius: undefined; readonly reason: string };

/** @param defaults the policy of the settings, under the operarii's own */
export function registry(cluster: Cluster, defaults: Policy): Registry {
  const read = reader(defaults);
  const prefixes = prefixesOf(cluster, read);
  const globalMode = (): Mode => readGlobalMode(cluster.operarii.globalSwitch());
  return {
    find(alert) {
      const { alertname = '' } = alert.labels;
      const name = operariusName(alertname, alert.status);
      const configMap = cluster.operarii.get(name);
      if (configMap === undefined) {
        return {
          operarius: undefined,
          reason: `there is no ConfigMap ${name} with the selected labels`,
        };
      }
      const operarius = read(configMap, alertname);
      if (operarius !== undefined) return { operarius };
      return { operarius, reason: `ConfigMap ${name} is for another alert of a similar name` };
    },
    nameFor({ labels, status }) {
      const name = operariusName(labels['alertname'] ?? '', status);
      return cluster.operarii.get(name) === undefined ? '' : name;
    },
    modeOf: ({ policy }) => strictest(policy.mode, globalMode()),
    whyOff({ name }) {
      if (defaults.mode === 'off') return 'OPENFERO_MODE is off';
      if (globalMode() === 'off') return 'the ConfigMap openfero has openfero.io/mode: off';
      return `ConfigMap ${name} has openfero.io/mode: off`;
    },
    mismatch({ policy }, alert) {
      if (matchesAll(policy.match, alert.labels)) return undefined;
      const { name, operator, value } =
        policy.match.find((one) => !matchesAll([one], alert.labels)) ?? policy.match[0] ?? NONE;
      return `the alert does not match ${name}${operator}${JSON.stringify(value)}`;
    },
    ownJobOf({ labels }, namespace) {
      if (labels['namespace'] !== namespace) return undefined;
      return [labels['job_name'], labels['pod']].find(
        (name) =>
          name !== undefined && (cluster.jobs.isOurs(name) || looksLikeOwnJob(name, prefixes())),
      );
    },
  };
}

const NONE = { name: '', operator: '=', value: '' };

type Read = (configMap: ConfigMap, alertname: string) => Operarius | undefined;

/** Reading YAML and policy takes a thousand times longer than looking it up: once per version. */
function reader(defaults: Policy): Read {
  const known = new WeakMap<ConfigMap, Map<string, Operarius>>();
  return (configMap, alertname) => {
    const versions = known.get(configMap) ?? new Map<string, Operarius>();
    known.set(configMap, versions);
    const operarius = versions.get(alertname) ?? readOperarius(configMap, alertname, defaults);
    // Only what was found: alertnames that lead to nothing are without number.
    if (operarius !== undefined) versions.set(alertname, operarius);
    return operarius;
  };
}

/** The prefixes of all operarii's Jobs, worked out anew when an operarius has changed. */
function prefixesOf(cluster: Cluster, read: Read): () => ReadonlySet<string> {
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
  return alertnamesOf(configMap).flatMap((alertname) => {
    try {
      return read(configMap, alertname) ?? [];
    } catch {
      // An invalid definition makes no Jobs.
      return [];
    }
  });
}

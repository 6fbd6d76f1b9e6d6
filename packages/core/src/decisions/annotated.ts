import type { Alert, AlertStatus } from '../alert.ts';
import type { ConfigMap } from '../kubernetes.ts';
import { InvalidOperarius, invalid, listed, subjectOf } from '../operarius/operarius.ts';
import { POLICY_ANNOTATIONS } from '../operarius/policy.ts';

/** All that the label selector selects. */
export interface AllDefinitions {
  all(): Iterable<ConfigMap>;
  /** A number that changes with every change. */
  revision(): number;
}

/** The ConfigMaps that name their alert in the annotation, by alertname and status. */
export interface AnnotatedOperarii {
  /** Those for an alert: more than one is a mistake. In the order of their names. */
  for(alertname: string, status: AlertStatus): readonly ConfigMap[];
}

/** Computes the index again when an operarius has changed. */
export function trackAnnotated(operarii: AllDefinitions): AnnotatedOperarii {
  let revision: number | undefined;
  let index: ReadonlyMap<string, readonly ConfigMap[]> = new Map();
  return {
    for(alertname, status) {
      if (revision !== operarii.revision()) {
        revision = operarii.revision();
        index = indexOf(operarii.all());
      }
      return index.get(keyOf(alertname, status)) ?? [];
    },
  };
}

function indexOf(all: Iterable<ConfigMap>): Map<string, readonly ConfigMap[]> {
  const keyed = [...all].flatMap((configMap) => {
    const key = keyOfConfigMap(configMap);
    return key === undefined ? [] : [{ key, configMap }];
  });
  keyed.sort((a, b) => (a.configMap.metadata.name < b.configMap.metadata.name ? -1 : 1));
  const groups = Map.groupBy(keyed, ({ key }) => key);
  return new Map([...groups].map(([key, group]) => [key, group.map((one) => one.configMap)]));
}

/** Undefined where it has no annotation, or a name that says no status: then it is for no alert. */
function keyOfConfigMap(configMap: ConfigMap): string | undefined {
  if (configMap.metadata.annotations?.[POLICY_ANNOTATIONS.alertname] === undefined)
    return undefined;
  try {
    const { status, alertnames } = subjectOf(configMap);
    return keyOf(alertnames[0] ?? '', status);
  } catch (error) {
    if (error instanceof InvalidOperarius) return undefined;
    throw error;
  }
}

function keyOf(alertname: string, status: AlertStatus): string {
  return `${status}/${alertname}`;
}

/** @throws {InvalidOperarius} where several ConfigMaps name the alert */
export function refuseSeveral(
  found: readonly ConfigMap[],
  { labels, status }: Pick<Alert, 'labels' | 'status'>,
): void {
  const [first, second] = found;
  if (first === undefined || second === undefined) return;
  const names = listed(found.map(({ metadata }) => metadata.name));
  const alert = `${status} alerts ${JSON.stringify((labels['alertname'] ?? '').slice(0, 200))}`;
  throw invalid(
    'twice',
    `ConfigMap ${first.metadata.namespace}/${first.metadata.name}`,
    `several ConfigMaps name ${alert} in ${POLICY_ANNOTATIONS.alertname}: ${names}`,
    'keep one of them',
  );
}

import type { ConfigMap } from '@openfero/core/kubernetes';
import { type Operarius, operariusName, readOperarius } from '@openfero/core/operarius';
import { DEFAULT_POLICY, type Policy } from '@openfero/core/operarius/policy';
import type { End } from '@openfero/core/outcome';
import { definition } from '@openfero/testkit/operarii';

/** An operarius of the run, what share of the alerts it gets, and how its remediations may end. */
interface Definition {
  readonly alertname: string;
  readonly status?: 'firing' | 'resolved';
  readonly policy: Readonly<Record<string, string>>;
  readonly groups: number;
  readonly ends: readonly End[];
}

const RUN: readonly End[] = ['created', 'deduplicated', 'superseded'];

const DEFINITIONS: readonly Definition[] = [
  { alertname: 'Disk', policy: { cooldown: '0s' }, groups: 18, ends: RUN },
  { alertname: 'Flap', policy: { cooldown: '15s' }, groups: 5, ends: RUN },
  {
    alertname: 'Stays',
    policy: { cooldown: '0s', 'repeat-after': '20s' },
    groups: 4,
    ends: RUN,
  },
  { alertname: 'Rack', policy: { 'dedup-by': 'group', cooldown: '20s' }, groups: 6, ends: RUN },
  { alertname: 'Site', policy: { 'dedup-by': 'operarius', cooldown: '10s' }, groups: 3, ends: RUN },
  { alertname: 'Few', policy: { 'max-active': '3', cooldown: '0s' }, groups: 3, ends: RUN },
  {
    alertname: 'Brief',
    policy: { 'max-age': '5s', cooldown: '0s' },
    groups: 6,
    ends: [...RUN, 'expired'],
  },
  {
    alertname: 'Zone',
    policy: { match: '{zone="a"}', cooldown: '0s' },
    groups: 4,
    ends: [...RUN, 'not-matched'],
  },
  { alertname: 'Dry', policy: { mode: 'dry-run' }, groups: 2, ends: ['dry-run', 'superseded'] },
  { alertname: 'Broken', policy: { cooldown: 'soon' }, groups: 1, ends: ['invalid-operarius'] },
  { alertname: 'Refused', policy: { cooldown: '0s' }, groups: 2, ends: [...RUN, 'rejected'] },
  {
    alertname: 'Calm',
    status: 'resolved',
    policy: { cooldown: '0s' },
    groups: 4,
    ends: ['created', 'deduplicated'],
  },
];

/** Alerts that nobody has written an operarius for. */
const NOBODYS = { alertname: 'Nobodys', groups: 2 };

/** Every group that the sender has, by alertname. */
export const GROUPS: readonly string[] = [...DEFINITIONS, NOBODYS].flatMap(
  ({ alertname, groups }) => Array.from({ length: groups }, () => alertname),
);

/** The ConfigMaps, as JSON. @param mended whether Refused is something that the server takes */
export function configMaps(mended = false): string[] {
  return DEFINITIONS.map(({ alertname, status = 'firing', policy }) => {
    const isWrong = alertname === 'Refused' && !mended;
    const job = isWrong ? { pod: { restartPolicy: 'Sometimes' } } : {};
    return definition(alertname, { status, policy, job });
  });
}

/** How a remediation of that alert may end. */
export function endsOf(alertname: string, status: string): readonly End[] {
  return find(alertname, status)?.ends ?? ['no-operarius'];
}

/** As the workers read it; undefined where there is none, or none that can be read. */
export function operariusFor(alertname: string, status: 'firing' | 'resolved') {
  return operarii.get(operariusName(alertname, status));
}

const find = (alertname: string, status: string): Definition | undefined =>
  DEFINITIONS.find((one) => one.alertname === alertname && (one.status ?? 'firing') === status);

/** Given to the workers as they are here, so that both read the same. */
export const SETTINGS = {
  OPENFERO_MAX_ACTIVE_JOBS: '60',
  OPENFERO_MAX_ACTIVE_PER_OPERARIUS: '40',
  OPENFERO_JOB_TTL: '24h',
  OPENFERO_JOB_DEADLINE: '24h',
  OPENFERO_MAX_AGE: '1h',
};

/** What an operarius without annotations has. */
export const DEFAULTS: Policy = { ...DEFAULT_POLICY, maxAge: 3_600_000, maxActive: 40 };

function readAll(): Map<string, Operarius> {
  const all = new Map<string, Operarius>();
  for (const [i, text] of configMaps(true).entries()) {
    const configMap: ConfigMap = JSON.parse(text);
    const namespaced = { ...configMap, metadata: { ...configMap.metadata, namespace: NAMESPACE } };
    const alertname = DEFINITIONS[i]?.alertname ?? '';
    if (alertname === 'Broken') continue;
    const operarius = readOperarius(namespaced, alertname, DEFAULTS);
    if (operarius !== undefined) all.set(operarius.name, operarius);
  }
  return all;
}

/** Of the operarii and the Jobs. */
export const NAMESPACE = 'faults';

const operarii = readAll();

import type { ConfigMap } from '@openfero/core/kubernetes';
import { type Operarius, operariusName, readOperarius } from '@openfero/core/operarius';
import { DEFAULT_POLICY, type Policy } from '@openfero/core/operarius/policy';
import type { End } from '@openfero/core/outcome';
import { definition } from '@openfero/testkit/operarii';
import type { SentGroup } from './sender.ts';

/** An operarius of the run, its number of alert groups, and the permitted ends of its remediations. */
interface TestOperarius {
  readonly alertname: string;
  readonly status?: 'firing' | 'resolved';
  readonly policy: Readonly<Record<string, string>>;
  readonly groups: number;
  readonly ends: readonly End[];
  /** Probability that an alert starts, or resolves, between two flushes. */
  readonly changes?: number;
  /** A second source tells of the same alerts, and disagrees about when they began. */
  readonly toldTwice?: true;
}

const RUN: readonly End[] = ['created', 'deduplicated', 'superseded'];

const OPERARII: readonly TestOperarius[] = [
  { alertname: 'Disk', policy: { cooldown: '0s' }, groups: 18, ends: RUN },
  { alertname: 'Flap', policy: { cooldown: '15s' }, groups: 5, ends: RUN, changes: 0.5 },
  { alertname: 'Twice', policy: { cooldown: '8s' }, groups: 4, ends: RUN, toldTwice: true },
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

/** Probability that an alert starts, or resolves, between two flushes. */
const CHANGES = 0.12;

/** The groups of the sender. */
export const GROUPS: readonly SentGroup[] = [
  ...OPERARII.flatMap(({ alertname, groups, changes = CHANGES, toldTwice = false }) =>
    Array.from({ length: groups }, () => ({ alertname, changes, toldTwice })),
  ),
  // Without an operarius.
  ...Array.from({ length: 2 }, () => ({
    ...{ alertname: 'Undefined', changes: CHANGES, toldTwice: false },
  })),
];

/** The ConfigMaps as JSON. @param repaired whether the API server accepts the Job of Refused */
export function configMaps(repaired = false): string[] {
  return OPERARII.map(({ alertname, status = 'firing', policy }) => {
    const isWrong = alertname === 'Refused' && !repaired;
    const job = isWrong ? { pod: { restartPolicy: 'Sometimes' } } : {};
    return definition(alertname, { status, policy, job });
  });
}

/** The permitted ends of a remediation for the alert. */
export function endsOf(alertname: string, status: string): readonly End[] {
  return find(alertname, status)?.ends ?? ['no-operarius'];
}

/** The operarius as the workers read it; undefined if there is none or it is invalid. */
export function operariusFor(alertname: string, status: 'firing' | 'resolved') {
  return operarii.get(operariusName(alertname, status));
}

/** The same by the ConfigMap's name. */
export const operariusNamed = (name: string): Operarius | undefined => operarii.get(name);

const find = (alertname: string, status: string): TestOperarius | undefined =>
  OPERARII.find((one) => one.alertname === alertname && (one.status ?? 'firing') === status);

/** The settings of the workers. */
export const SETTINGS = {
  OPENFERO_MAX_ACTIVE_JOBS: '60',
  OPENFERO_MAX_ACTIVE_PER_OPERARIUS: '40',
  OPENFERO_JOB_TTL: '24h',
  OPENFERO_JOB_DEADLINE: '24h',
  OPENFERO_MAX_AGE: '1h',
  // Some alerts flap as often as the suite runs.
  OPENFERO_MAX_REPEATS: 'none',
};

/** The policy of an operarius without annotations, by those settings. */
export const DEFAULTS: Policy = {
  ...DEFAULT_POLICY,
  ...{ maxAge: 3_600_000, maxActive: 40, maxRepeats: 'none' },
};

function readAll(): Map<string, Operarius> {
  const all = new Map<string, Operarius>();
  for (const [i, text] of configMaps(true).entries()) {
    const configMap: ConfigMap = JSON.parse(text);
    const namespaced = { ...configMap, metadata: { ...configMap.metadata, namespace: NAMESPACE } };
    const alertname = OPERARII[i]?.alertname ?? '';
    if (alertname === 'Broken') continue;
    const operarius = readOperarius(namespaced, alertname, DEFAULTS);
    if (operarius !== undefined) all.set(operarius.name, operarius);
  }
  return all;
}

/** The namespace of operarii and Jobs. */
export const NAMESPACE = 'faults';

const operarii = readAll();

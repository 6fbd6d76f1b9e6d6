import { fingerprintOf } from '@openfero/core/alert';
import type { EndEntry, Entry, Fate, Subject } from '@openfero/core/history/entry';
import { instantOf } from '@openfero/core/instant';
import { ENDS, type End } from '@openfero/core/outcome';
import { type Random, seeded } from './random.ts';

/** An entry with its id in the stream. */
export type Recorded = readonly [id: string, entry: Entry];

export interface HistoryOptions {
  readonly occurrences: number;
  readonly seed?: number;
  /** Milliseconds: when the last occurrence begins. */
  readonly until?: number;
  /** Milliseconds between two occurrences. */
  readonly every?: number;
}

const ALERTNAMES = [
  ...[
    'KubePodCrashLooping',
    'KubeQuotaAlmostFull',
    'KubePersistentVolumeFillingUp',
    'NodeDiskFull',
  ],
  ...['HighErrorRate', 'CertificateExpiresSoon', 'QueueBacklog', 'TargetDown'],
];
const CLUSTERS = ['prod-eu', 'prod-us', 'staging'];
const MINUTE = 60_000;

/**
 * The entries of a realistic history, in the order of the stream: occurrences with every outcome and
 * fate, some held first, some repeated by Alertmanager, most resolved, some Jobs without a word of
 * their end. The same seed makes the same history.
 */
export function historyOf(options: HistoryOptions): Recorded[] {
  const { occurrences, seed = 1, until = Date.UTC(2026, 10, 22, 4), every = 20_000 } = options;
  const random = seeded(seed);
  const timed: (readonly [at: number, entry: Entry])[] = [];
  for (let number = 0; number < occurrences; number++) {
    const at = until - (occurrences - 1 - number) * every;
    timed.push(...occurrence(number, at, random));
  }
  timed.sort(([a], [b]) => a - b);
  let [last, sequence] = [0, 0];
  return timed.map(([at, entry]) => {
    sequence = at === last ? sequence + 1 : 0;
    last = at;
    return [`${at}-${sequence}`, entry];
  });
}

type Timed = readonly [at: number, entry: Entry];

function occurrence(number: number, at: number, random: Random): Timed[] {
  const alertname = ALERTNAMES[random.below(ALERTNAMES.length)] ?? '';
  const labels = {
    alertname,
    cluster: CLUSTERS[random.below(CLUSTERS.length)] ?? '',
    namespace: `team-${random.below(40)}`,
    severity: random.chance(0.3) ? 'critical' : 'warning',
    // Some alerts come again and again, most are of a pod that lives once.
    pod: random.chance(0.3)
      ? `web-${random.below(20)}`
      : `web-${number.toString(36)}-${seededName(random)}`,
    ...scrapedLabels(number),
  };
  const subject: Subject = {
    id: uuid(random),
    alertname,
    status: 'firing',
    fingerprint: fingerprintOf(labels),
    startsAt: instantOf(at - 30_000),
    operarius: `openfero-${alertname.toLowerCase()}-firing`,
  };
  const outcome = outcomeOf(random);
  const held = outcome === 'expired' || random.chance(0.05);
  const endedAt = at + (held ? 15 * MINUTE : 20 + random.below(200));
  const end = endEntry(subject, { outcome, labels, receivedAt: at, endedAt });
  return [
    ...(held ? [heldEntry(subject, at)] : []),
    [endedAt, end],
    ...(end.job === undefined ? [] : fateOf(end, end.job, random)),
    ...repetitions(end, random),
    ...resolution(end, random),
  ];
}

/** What Prometheus, its operator and an external label add: twelve labels are usual. */
const scrapedLabels = (number: number): Record<string, string> => ({
  container: `app-${number % 30}`,
  service: `app-${number % 30}-metrics`,
  job: 'kube-state-metrics',
  endpoint: 'http-metrics',
  instance: `10.${number % 4}.${number % 250}.${number % 190}:8080`,
  prometheus: 'monitoring/kube-prometheus-stack-prometheus',
  team: `team-${number % 40}`,
});

/** Nearly half has no operarius, as in a cluster that sends all its alerts. */
function outcomeOf(random: Random): End {
  if (random.chance(0.45)) return 'created';
  if (random.chance(0.6)) return 'no-operarius';
  return ENDS[random.below(ENDS.length)] ?? 'created';
}

const REASONS: Readonly<Record<End, string>> = {
  created: 'created',
  deduplicated: 'the problem already has a Job',
  'no-operarius': 'no ConfigMap for this alert',
  'not-matched': 'cluster="staging" does not match cluster="prod-eu"',
  'own-job': 'the alert is about a Job that OpenFero created',
  superseded: 'the alert was resolved before',
  suppressed: 'Alertmanager: the alert is silenced by silence 0b7e4d5c',
  'dry-run': 'the mode is dry-run',
  off: 'the mode is off',
  'invalid-operarius':
    'ConfigMap jobs/openfero-x-firing: openfero.io/cooldown: "5 min" is no duration',
  rejected: 'Job.batch "x" is invalid: spec.template.spec.containers[0].image: Required value',
  expired: 'waited 903 s, longer than max-age 15m',
  stopped: 'this problem has had 5 Jobs within 1d, and is back: max-repeats is 5/1d',
  unreadable: 'the payload is not a remediation: /alert is missing',
};

function endEntry(
  subject: Subject,
  { outcome, ...rest }: Pick<EndEntry, 'outcome' | 'labels' | 'receivedAt' | 'endedAt'>,
): EndEntry {
  const withJob = outcome === 'created' || outcome === 'deduplicated';
  const without = outcome === 'no-operarius' ? { operarius: '' } : {};
  return {
    ...{ ...subject, ...without, kind: 'end', outcome, reason: REASONS[outcome] },
    groupKey: `{}/{team="a"}:{alertname="${subject.alertname}"}`,
    ...rest,
    ...(withJob && { job: `${subject.operarius}-${subject.id.slice(-10)}` }),
  };
}

function heldEntry(subject: Subject, at: number): Timed {
  return [at, { ...subject, kind: 'held', reason: 'max-active', until: at + 15 * MINUTE, at }];
}

/** Most Jobs succeed; of some nobody has seen the end. */
function fateOf(end: EndEntry, job: string, random: Random): Timed[] {
  if (end.outcome !== 'created' || random.chance(0.03)) return [];
  const fate: Fate = random.chance(0.85) ? 'succeeded' : random.chance(0.8) ? 'failed' : 'deleted';
  const endedAt = end.endedAt + 5_000 + random.below(3 * MINUTE);
  const { id, alertname, status, fingerprint, startsAt, operarius } = end;
  return [
    [
      endedAt,
      {
        ...{ kind: 'fate', id, alertname, status, fingerprint, startsAt, operarius, fate, job },
        reason: fate === 'failed' ? 'BackoffLimitExceeded' : '',
        uid: `uid-of-${id}`,
        createdAt: end.endedAt,
        endedAt,
      },
    ],
  ];
}

/** Alertmanager sends a firing alert again: each time it is a remediation of its own. */
function repetitions(first: EndEntry, random: Random): Timed[] {
  if (!random.chance(0.1)) return [];
  const at = first.endedAt + 240 * MINUTE;
  const outcome = first.outcome === 'created' ? 'deduplicated' : first.outcome;
  return [[at, { ...first, id: uuid(random), outcome, receivedAt: at, endedAt: at }]];
}

function resolution(firing: EndEntry, random: Random): Timed[] {
  if (!random.chance(0.7)) return [];
  const at = firing.endedAt + 4 * MINUTE + random.below(30 * MINUTE);
  const { job: _none, ...rest } = firing;
  const end: EndEntry = {
    ...{ ...rest, id: uuid(random), status: 'resolved', operarius: '', outcome: 'no-operarius' },
    ...{ reason: REASONS['no-operarius'], receivedAt: at, endedAt: at + 15 },
    endsAt: instantOf(at - 10_000),
  };
  return [[at + 15, end]];
}

function uuid(random: Random): string {
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => random.below(16).toString(16)).join('');
  return [hex(8), hex(4), hex(4), hex(4), hex(12)].join('-');
}

const seededName = (random: Random): string => random.below(36 ** 5).toString(36);

import { fingerprintOf } from '@openfero/core/alert';
import { encodeEntry } from '@openfero/core/history/encode';
import type { EndEntry, Entry, FateEntry, HeldEntry, Subject } from '@openfero/core/history/entry';
import { instantOf } from '@openfero/core/instant';
import { operariusName } from '@openfero/core/operarius';
import type { End } from '@openfero/core/outcome';
import { historyKey } from '@openfero/core/redis/history';
import { Redis } from 'ioredis';

const MINUTE = 60_000;

/** An alert of the night before the pictures are taken, and what became of it. */
interface Happened {
  readonly alertname: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Minutes before now. */
  readonly ago: number;
  readonly outcome?: End;
  readonly reason?: string;
  /** How its Job ended, and after how many minutes. */
  readonly fate?: readonly [FateEntry['fate'], after: number, reason?: string];
  /** After how many minutes the alert resolved. */
  readonly resolved?: number;
  readonly held?: HeldEntry['reason'];
}

/** Of one ordinary night: most is mended, some is not, and one thing needs a person. */
const NIGHT: readonly Happened[] = [
  {
    ...{ alertname: 'KubePodCrashLooping', ago: 412, fate: ['succeeded', 1.2], resolved: 4 },
    labels: { severity: 'warning', namespace: 'checkout', pod: 'cart-6d5f8b7c9-x2kqp' },
  },
  {
    ...{ alertname: 'KubePersistentVolumeFillingUp', ago: 376, fate: ['succeeded', 0.7] },
    ...{ resolved: 11 },
    labels: { severity: 'critical', namespace: 'orders', persistentvolumeclaim: 'data-postgres-0' },
  },
  {
    ...{ alertname: 'KubeNodeNotReady', ago: 341, fate: ['succeeded', 0.4], resolved: 22 },
    labels: { severity: 'warning', node: 'worker-eu-07' },
  },
  {
    ...{ alertname: 'KubeHpaMaxedOut', ago: 287, outcome: 'dry-run' },
    reason: 'would create Job openfero-kubehpamaxedout-firing-8e1c04b7d2',
    labels: { severity: 'warning', namespace: 'search', deployment: 'query' },
  },
  {
    ...{ alertname: 'KubePodCrashLooping', ago: 251, fate: ['succeeded', 0.9], resolved: 3 },
    labels: { severity: 'warning', namespace: 'checkout', pod: 'payment-7f9c6d4b5-m8ztr' },
  },
  {
    ...{ alertname: 'KubeJobFailed', ago: 204, outcome: 'superseded' },
    reason: 'the alert was resolved at 2026-11-22T04:34:40.113210877Z',
    labels: { severity: 'warning', namespace: 'reports', job_name: 'nightly-export' },
  },
  {
    ...{ alertname: 'KubeNodeEviction', ago: 167, fate: ['succeeded', 2.1], resolved: 9 },
    labels: { severity: 'info', node: 'worker-eu-02' },
  },
  {
    ...{ alertname: 'KubeDeploymentReplicasMismatch', ago: 122, outcome: 'rejected' },
    reason:
      'admission webhook "policy.example.com" denied the request: image must come from registry.example.com',
    labels: { severity: 'warning', namespace: 'billing', deployment: 'invoice' },
  },
  {
    ...{ alertname: 'KubePersistentVolumeFillingUp', ago: 94 },
    fate: ['failed', 5, 'DeadlineExceeded'],
    labels: { severity: 'critical', namespace: 'metrics', persistentvolumeclaim: 'tsdb-0' },
  },
  {
    ...{ alertname: 'KubePodCrashLooping', ago: 58, fate: ['succeeded', 1.1], resolved: 5 },
    labels: { severity: 'warning', namespace: 'shop', pod: 'web-5c7d9f6b8-qw4rn' },
  },
  {
    ...{ alertname: 'KubeAggregatedAPIDown', ago: 31, outcome: 'expired' },
    reason: 'waited 903 s, longer than max-age 15m; last error: exceeded quota: compute',
    labels: { severity: 'critical', namespace: 'kube-system', service: 'metrics-server' },
  },
  {
    ...{ alertname: 'KubePodCrashLooping', ago: 12, fate: ['succeeded', 0.8] },
    labels: { severity: 'warning', namespace: 'shop', pod: 'search-84bd7c6f5-9kd2x' },
  },
];

/** The names of the operarii of the night. */
export const NIGHTLY: readonly string[] = [...new Set(NIGHT.map(({ alertname }) => alertname))];

/** Writes the night into the history of a Redis that has none. */
export async function writeNight(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl);
  const timed = NIGHT.flatMap((each) => entriesOf(each, Date.now())).sort(([a], [b]) => a - b);
  for (const [index, [at, entry]] of timed.entries()) {
    await redis.xadd(historyKey('{openfero}'), `${at}-${index}`, 'v', '1', 'e', encodeEntry(entry));
  }
  redis.disconnect();
}

type Timed = readonly [at: number, entry: Entry];

function entriesOf(happened: Happened, now: number): Timed[] {
  const { alertname, ago, outcome = 'created', fate, resolved } = happened;
  const at = now - ago * MINUTE;
  const labels = { alertname, cluster: 'prod-eu', ...happened.labels };
  const subject: Subject = {
    id: idOf(alertname, ago),
    ...{ alertname, status: 'firing', fingerprint: fingerprintOf(labels) },
    ...{ startsAt: instantOf(at - 45_000), operarius: operariusName(alertname, 'firing') },
  };
  const job = `${subject.operarius}-${subject.fingerprint.slice(0, 10)}`;
  const end: EndEntry = {
    ...{ ...subject, kind: 'end', outcome, reason: happened.reason ?? 'created', labels },
    ...{ groupKey: `{}:{alertname="${alertname}"}`, receivedAt: at, endedAt: at + 80 },
    ...(outcome === 'created' && { job }),
  };
  const all: Timed[] = [[end.endedAt, end]];
  if (fate !== undefined) {
    const [how, after, reason = ''] = fate;
    const endedAt = Math.round(at + after * MINUTE);
    const told = { kind: 'fate', fate: how, reason, job, uid: `uid-${job}` } as const;
    all.push([endedAt, { ...subject, ...told, createdAt: at + 80, endedAt }]);
  }
  if (resolved !== undefined) {
    const { job: _none, ...rest } = end;
    const endedAt = at + resolved * MINUTE;
    const over = { outcome: 'no-operarius', reason: 'no ConfigMap for it', operarius: '' } as const;
    const id = idOf(`${alertname}-resolved`, ago);
    const resolution = { ...rest, ...over, id, status: 'resolved', receivedAt: endedAt } as const;
    all.push([endedAt + 15, { ...resolution, endedAt: endedAt + 15, endsAt: instantOf(endedAt) }]);
  }
  return all;
}

/** As the receiver gives them, but the same each time. */
function idOf(text: string, number: number): string {
  const hex = fingerprintOf({ text, number: String(number) }).repeat(2);
  return [8, 4, 4, 4, 12]
    .map((length, index, all) => {
      const start = all.slice(0, index).reduce((sum, each) => sum + each, 0);
      return hex.slice(start, start + length);
    })
    .join('-');
}

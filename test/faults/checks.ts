import { dedupKeyText, troubleOf } from '@openfero/core/identity/trouble';
import { LABELS } from '@openfero/core/labels';
import { at } from '@openfero/testkit/controlplane';
import { closerThanCooldown, covers } from '@openfero/testkit/coverage';
import { miscounted, type ToldFates, toldTwice, untold } from './fates.ts';
import type { People } from './fault.ts';
import type { Ending } from './observer.ts';
import { endsOf, operariusFor, operariusNamed } from './operarii.ts';
import type { Acknowledged, Sender } from './sender.ts';

/** What the checks need of a Job in the cluster. */
export interface MadeJob {
  readonly name: string;
  readonly uid: string;
  readonly operarius: string;
  readonly remediation: string;
  readonly dedupKey: string;
  readonly createdAt: number;
  readonly finishedAt: number;
  /** By the cluster: the answer to whoever ended it may have been lost. */
  readonly hasEnded: boolean;
}

export interface Evidence {
  readonly sender: Pick<Sender, 'acknowledged' | 'tries'>;
  readonly endings: ReadonlyMap<string, readonly Ending[]>;
  readonly jobs: readonly MadeJob[];
  readonly people: People;
  /** How often workers logged the end of each remediation. */
  readonly logged: ReadonlyMap<string, number>;
  readonly told: ToldFates;
}

export interface Findings {
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** Two Jobs of one problem within its cooldown. */
  readonly closer: readonly string[];
  /** Other failures. */
  readonly wrong: readonly string[];
}

/** Milliseconds by which two clocks may differ: Kubernetes' times have seconds. */
const SLACK = 2000;

/** Milliseconds: Kubernetes' times have seconds. */
const RESOLUTION = 1000;

/** Milliseconds: the max-age of the operarius whose remediations expire during a run. */
const BRIEF = 5000;

/** Compares the acknowledged alerts with the Jobs in the cluster and the ends in Redis. */
export function check(evidence: Evidence): Findings {
  return {
    lost: [
      ...uncovered(evidence),
      ...fewerThanPromised(evidence),
      ...withoutTheirJob(evidence),
      ...untold(evidence.jobs, evidence.told),
    ],
    doubled: [
      ...sameEpisode(evidence),
      ...endedTwice(evidence),
      ...loggedTwice(evidence),
      ...toldTwice(evidence.told),
    ],
    closer: closerThanCooldown(evidence.jobs, cooldownOf),
    wrong: [
      ...withoutTheirAlert(evidence),
      ...wrongEnds(evidence),
      ...miscounted(evidence.jobs, evidence.told),
    ],
  };
}

export function madeJob(job: unknown, finishedAt: ReadonlyMap<string, number>): MadeJob {
  const name = String(at(job, 'metadata', 'name'));
  const note = (what: string): string =>
    String(at(job, 'metadata', 'annotations', `openfero.io/${what}`));
  return {
    name,
    uid: String(at(job, 'metadata', 'uid')),
    operarius: String(at(job, 'metadata', 'labels', LABELS.operarius)),
    remediation: note('remediation'),
    dedupKey: note('dedup-key'),
    createdAt: Date.parse(String(at(job, 'metadata', 'creationTimestamp'))),
    finishedAt: finishedAt.get(name) ?? Number.POSITIVE_INFINITY,
    hasEnded: at(job, 'status', 'completionTime') !== undefined,
  };
}

const last = (endings: readonly Ending[]): Ending | undefined => endings.at(-1);

const occurrence = (groupKey: string, alert: Readonly<Record<string, unknown>>): string =>
  [groupKey, alert['fingerprint'], alert['startsAt'], alert['status']].join('|');

/** Acknowledged alerts without a remediation that was received with them or still open then. */
function uncovered({ sender, endings }: Evidence): string[] {
  const spans = new Map<string, (readonly [from: number, to: number])[]>();
  for (const ends of endings.values()) {
    const end = last(ends);
    if (end === undefined) continue;
    const { group, alert, receivedAt } = end.remediation;
    const of = occurrence(group.key, { ...alert });
    spans.set(of, [...(spans.get(of) ?? []), [receivedAt, end.seenAt]]);
  }
  const stands = (of: string, { sentAt, answeredAt }: Acknowledged): boolean =>
    spans.get(of)?.some(([from, to]) => from <= answeredAt + 1 && to >= sentAt - 1) ?? false;
  return sender.acknowledged.flatMap((one) =>
    one.alerts
      .map((alert) => occurrence(alert.groupKey, { ...alert }))
      .filter((of) => !stands(of, one))
      .map((of) => `${of}, acknowledged at ${one.answeredAt}, never ended`),
  );
}

/** Each alert that was reported as queued has a remediation of its own. */
function fewerThanPromised({ sender, endings }: Evidence): string[] {
  const promised = sender.acknowledged.reduce((sum, { queued }) => sum + queued, 0);
  return promised <= endings.size
    ? []
    : [`the receivers reported ${promised} as queued, but ${endings.size} remediations ended`];
}

function withoutTheirJob({ endings, jobs }: Evidence): string[] {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  return [...endings].flatMap(([id, ends]) =>
    ends
      .filter(({ end, job = '' }) => end === 'created' && byName.get(job)?.remediation !== id)
      .map(({ job }) => `${id} ended as created, but there is no Job ${job} for it`),
  );
}

function sameEpisode({ jobs }: Evidence): string[] {
  return repeated(jobs.map((job) => job.dedupKey)).map((key) => `several Jobs for ${key}`);
}

/** Milliseconds. Kubernetes cuts its times to seconds: two of them may look closer than they are. */
const cooldownOf = ({ operarius }: MadeJob): number =>
  (operariusNamed(operarius)?.policy.cooldown ?? 0) - RESOLUTION;

/** Only a retry by a person leads to a second end, and only of a failed remediation. */
function endedTwice({ endings, people }: Evidence): string[] {
  const isRetry = (id: string, before: Ending, after: Ending): boolean =>
    people.retries.some(
      (retry) =>
        (retry.id === undefined || retry.id === id) &&
        retry.at >= before.at &&
        retry.at <= after.at,
    );
  return [...endings].flatMap(([id, ends]) =>
    ends
      .slice(1)
      .filter((end, i) => !isRetry(id, ends[i] ?? end, end))
      .map(() => `${id} ended ${ends.length} times`),
  );
}

function loggedTwice({ endings, logged }: Evidence): string[] {
  return [...logged]
    .filter(([id, times]) => times > (endings.get(id)?.length ?? 0))
    .map(([id, times]) => `the end of ${id} was logged ${times} times`);
}

function withoutTheirAlert({ endings, jobs }: Evidence): string[] {
  return jobs.flatMap(({ name, remediation }) => {
    const end = last(endings.get(remediation) ?? []);
    if (end?.end === 'created') return [];
    const ended = end === undefined ? 'has no end' : `ended as ${end.end} (${end.reason})`;
    return `Job ${name} exists, but ${remediation} ${ended}`;
  });
}

/** Ends whose recorded reason is wrong. */
function wrongEnds(evidence: Evidence): string[] {
  const jobs = new Map(evidence.jobs.map((job) => [job.name, job]));
  const resolutions = resolutionsIn(evidence);
  return [...evidence.endings].flatMap(([id, ends]) => {
    const end = last(ends);
    const problem = end && problemOf(end, jobs, resolutions);
    return problem === undefined ? [] : [`${id} ended as ${end?.end}: ${problem}`];
  });
}

interface Resolution {
  readonly endsAt: string;
  readonly triedAt: number;
}

/** By fingerprint. */
function resolutionsIn({ sender }: Evidence): ReadonlyMap<string, readonly Resolution[]> {
  const all = new Map<string, Resolution[]>();
  for (const { alerts, at: triedAt } of sender.tries) {
    for (const { status, fingerprint, endsAt } of alerts) {
      if (status !== 'resolved') continue;
      all.set(fingerprint, [...(all.get(fingerprint) ?? []), { endsAt, triedAt }]);
    }
  }
  return all;
}

function problemOf(
  end: Ending,
  jobs: ReadonlyMap<string, MadeJob>,
  resolutions: ReadonlyMap<string, readonly Resolution[]>,
): string | undefined {
  const { labels, status, fingerprint, startsAt } = end.remediation.alert;
  const { alertname = '' } = labels;
  if (!endsOf(alertname, status).some((one) => one === end.end)) {
    return `not for ${alertname} (${end.reason})`;
  }
  const isOver = ({ endsAt, triedAt }: Resolution): boolean =>
    endsAt > startsAt && triedAt <= end.at;
  const holds: Partial<Record<typeof end.end, boolean>> = {
    deduplicated: absorbs(jobs.get(end.job ?? ''), end),
    superseded: resolutions.get(fingerprint)?.some(isOver) ?? false,
    expired: end.at - end.remediation.receivedAt > BRIEF - SLACK,
    'not-matched': labels['zone'] !== 'a',
  };
  return holds[end.end] === false ? `its reason is wrong: ${end.reason}, ${end.job}` : undefined;
}

/** Whether the Job is a reason to create none. */
function absorbs(job: MadeJob | undefined, { remediation }: Ending): boolean {
  const operarius = operariusFor(
    remediation.alert.labels['alertname'] ?? '',
    remediation.alert.status,
  );
  if (job === undefined || operarius === undefined) return false;
  return covers(job, remediation, { operarius, slack: SLACK });
}

/** The episodes that ran, by the recorded ends. */
export function episodesThatRan({ endings }: Pick<Evidence, 'endings'>): Set<string> {
  const episodes = new Set<string>();
  for (const ends of endings.values()) {
    const end = last(ends);
    if (end?.end !== 'created') continue;
    const { labels, status } = end.remediation.alert;
    const operarius = operariusFor(labels['alertname'] ?? '', status);
    if (operarius !== undefined) {
      episodes.add(dedupKeyText(troubleOf(end.remediation, operarius)));
    }
  }
  return episodes;
}

function repeated(texts: readonly string[]): string[] {
  const seen = new Set<string>();
  return texts.filter((text) => seen.size === seen.add(text).size);
}

import { dedupKeyText, troubleOf } from '@openfero/core/identity/trouble';
import { at } from '@openfero/testkit/controlplane';
import { covers } from '@openfero/testkit/coverage';
import { endsOf, operariusFor } from './definitions.ts';
import type { People } from './fault.ts';
import type { Acknowledged, Sender } from './sender.ts';
import type { Ending } from './witness.ts';

/** A Job that is in the cluster, as far as the checks need it. */
export interface MadeJob {
  readonly name: string;
  readonly remediation: string;
  readonly dedupKey: string;
  readonly createdAt: number;
  readonly finishedAt: number;
}

export interface Evidence {
  readonly sender: Pick<Sender, 'acknowledged' | 'tries'>;
  readonly endings: ReadonlyMap<string, readonly Ending[]>;
  readonly jobs: readonly MadeJob[];
  readonly people: People;
  /** How often workers told of the end of a remediation. */
  readonly told: ReadonlyMap<string, number>;
}

export interface Verdict {
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** Neither, and wrong all the same. */
  readonly wrong: readonly string[];
}

/** Milliseconds by which two clocks' readings of one moment may differ: a cluster counts seconds. */
const SLACK = 2000;

/** Milliseconds: the only max-age that is over before a run is. */
const BRIEF = 5000;

/** Compares what was promised with what is in the cluster and in Redis. */
export function judge(evidence: Evidence): Verdict {
  return {
    lost: [...uncovered(evidence), ...fewerThanPromised(evidence), ...withoutTheirJob(evidence)],
    doubled: [...sameEpisode(evidence), ...endedTwice(evidence), ...toldTwice(evidence)],
    wrong: [...withoutTheirAlert(evidence), ...wrongEnds(evidence)],
  };
}

export function madeJob(job: unknown, finishedAt: ReadonlyMap<string, number>): MadeJob {
  const name = String(at(job, 'metadata', 'name'));
  const note = (what: string): string =>
    String(at(job, 'metadata', 'annotations', `openfero.io/${what}`));
  return {
    name,
    remediation: note('remediation'),
    dedupKey: note('dedup-key'),
    createdAt: Date.parse(String(at(job, 'metadata', 'creationTimestamp'))),
    finishedAt: finishedAt.get(name) ?? Number.POSITIVE_INFINITY,
  };
}

const last = (endings: readonly Ending[]): Ending | undefined => endings.at(-1);

const occurrence = (groupKey: string, alert: Readonly<Record<string, unknown>>): string =>
  [groupKey, alert['fingerprint'], alert['startsAt'], alert['status']].join('|');

/** Acknowledged alerts that no remediation stands for: none was received with it, or still open then. */
function uncovered({ sender, endings }: Evidence): string[] {
  const spans = new Map<string, (readonly [from: number, to: number])[]>();
  for (const ends of endings.values()) {
    const end = last(ends);
    if (end === undefined) continue;
    const { group, alert, receivedAt } = end.remediation;
    const of = occurrence(group.key, { ...alert });
    spans.set(of, [...(spans.get(of) ?? []), [receivedAt, end.at]]);
  }
  const stands = (of: string, { sentAt, answeredAt }: Acknowledged): boolean =>
    spans.get(of)?.some(([from, to]) => from <= answeredAt + 1 && to >= sentAt - 1) ?? false;
  return sender.acknowledged.flatMap((one) =>
    one.alerts
      .map((alert) => occurrence(alert.groupKey, { ...alert }))
      .filter((of) => !stands(of, one))
      .map((of) => `${of}, acknowledged at ${one.answeredAt}, has no end`),
  );
}

/** Each alert that was answered as queued is a remediation of its own. */
function fewerThanPromised({ sender, endings }: Evidence): string[] {
  const promised = sender.acknowledged.reduce((sum, { queued }) => sum + queued, 0);
  return promised <= endings.size
    ? []
    : [`${promised} were queued by the answers, ${endings.size} remediations have ended`];
}

function withoutTheirJob({ endings, jobs }: Evidence): string[] {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  return [...endings].flatMap(([id, ends]) =>
    ends
      .filter(({ end, job = '' }) => end === 'created' && byName.get(job)?.remediation !== id)
      .map(({ job }) => `${id} ended as created, but Job ${job} is not there for it`),
  );
}

function sameEpisode({ jobs }: Evidence): string[] {
  return repeated(jobs.map((job) => job.dedupKey)).map((key) => `several Jobs for ${key}`);
}

/** Only a person's retry gives a new end, and only to what had failed. */
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

function toldTwice({ endings, told }: Evidence): string[] {
  return [...told]
    .filter(([id, times]) => times > (endings.get(id)?.length ?? 0))
    .map(([id, times]) => `${id} was told of ${times} times`);
}

function withoutTheirAlert({ endings, jobs }: Evidence): string[] {
  return jobs
    .filter(({ remediation }) => last(endings.get(remediation) ?? [])?.end !== 'created')
    .map(({ name, remediation }) => `Job ${name} is there, but ${remediation} did not create it`);
}

/** Ends whose recorded reason does not hold. */
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
  return holds[end.end] === false
    ? `its reason does not hold: ${end.reason}, ${end.job}`
    : undefined;
}

/** Whether a Job is reason enough to start none: of the same or a later episode, running, or recent. */
function absorbs(job: MadeJob | undefined, { remediation }: Ending): boolean {
  const operarius = operariusFor(
    remediation.alert.labels['alertname'] ?? '',
    remediation.alert.status,
  );
  if (job === undefined || operarius === undefined) return false;
  return covers(job, remediation, { operarius, slack: SLACK });
}

/** Distinct episodes of which the recorded ends say that they have run. */
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

import type { Alert } from '../alert.ts';
import type { CommonLimits } from '../decisions/limits.ts';
import { createOperariusRegistry, definitionsOf } from '../decisions/registry.ts';
import { targetOf } from '../identity/target.ts';
import { dedupKeyText, troubleOf } from '../identity/trouble.ts';
import type { ConfigMap } from '../kubernetes.ts';
import { readNotification } from '../notification.ts';
import type { Mode, Policy } from '../operarius/policy.ts';
import { RejectedAlert, readAlert } from '../read-alert.ts';
import { occurrenceOf, type Remediation } from '../redis/remediation.ts';
import { type State, stateKey } from '../redis/states.ts';
import type { JobSettings } from '../render/render-job.ts';
import type { Facts } from './attempt.ts';
import { createCalls, type Wish } from './calls.ts';
import { cooledBy, isOfALimit, needsPlace, wasCalled } from './held.ts';
import { createJobs } from './jobs.ts';
import { createMemories } from './memories.ts';
import { type Decided, decide } from './steps.ts';
import { createWaiting } from './waiting.ts';

/** What a simulation starts with. */
export interface SimulationInput {
  /** Operarii that the label selector selects, and the switch. */
  readonly configMaps: readonly ConfigMap[];
  readonly settings: JobSettings & CommonLimits & { readonly policy: Policy };
  /** Milliseconds since 1970. */
  readonly start: number;
}

/** What became of an alert, or of one that was held before. */
export interface Verdict extends Decided {
  readonly alert: Alert;
  readonly remediation: string;
  /** The same occurrence is held already, and this one was absorbed by it. */
  readonly absorbed?: true;
}

/** OpenFero with its Redis and its cluster, in memory and with a clock that a person moves. */
export interface Simulation {
  readonly now: () => number;
  /**
   * Receives a notification. What is wrong with an alert is its reason.
   *
   * @returns for each alert in its order what became of it
   * @throws {NotANotification}
   */
  notify(body: unknown): readonly (Verdict | RejectedAlert)[];
  /** Lets time pass. @returns what became of those that were held, and have ended meanwhile */
  advance(ms: number): readonly Verdict[];
  /** Ends all Jobs that have not ended. @returns the same */
  finish(): readonly Verdict[];
}

interface Held {
  readonly remediation: Remediation;
  readonly verdict: Verdict;
  /** When it is looked at next, milliseconds. */
  readonly until: number;
}

/** Starts a simulation. Nothing is remembered yet, and there are no Jobs. */
export function createSimulation({ configMaps, settings, start }: SimulationInput): Simulation {
  let now = start;
  let received = 0;
  const clock = (): number => now;
  const jobs = createJobs(clock);
  const memories = createMemories(clock);
  const states = new Map<string, State>();
  const held = new Map<string, Held>();
  const waiting = createWaiting();
  const isOurs = (name: string): boolean => jobs.get(name) !== undefined;
  const registry = createOperariusRegistry(
    { operarii: definitionsOf(configMaps), jobs: { isOurs, canWait: true } },
    settings.policy,
  );

  const wishOf = (alert: Alert): Wish | undefined => {
    const { operarius } = registry.find(alert);
    if (operarius === undefined) return undefined;
    const asks = registry.modeOf(operarius) === 'approve';
    return { operarius, asks, target: targetOf(alert, operarius.policy)?.digest };
  };
  const { counts, holderOf } = jobs;
  const calls = createCalls(settings, { counts, holderOf }, waiting);
  const factsOf = (alert: Alert): Facts => ({
    ...{ registry, settings, now },
    memoryOf: memories.of,
    // How Jobs help is not simulated.
    stoppedOf: () => undefined,
    creationsOf: (troubleKey) => memories.of(troubleKey)?.creations ?? [],
    state: states.get(stateKey('', alert)),
    isUnfinished: ({ job, episode }, troubleKey) => {
      const found = jobs.get(job);
      return found?.dedupKey === dedupKeyText({ troubleKey, episode }) && !found.finished;
    },
    counts,
    holderOf,
  });
  const remember = (decided: Decided, remediation: string, alert: Alert): void => {
    const { decision, operarius } = decided;
    if (decision.kind !== 'end') return;
    const { trouble, job, outcome } = decision;
    if (outcome === 'created' && trouble !== undefined && job !== undefined) {
      const asked = decision.asks === true;
      const target = asked ? undefined : wishOf(alert)?.target;
      const dedupKey = dedupKeyText(trouble);
      jobs.add(job, { operarius, dedupKey, asked, target });
      memories.remember(job, trouble, remediation);
    }
    if (outcome === 'deduplicated') memories.touch(job);
  };
  /** One attempt. It may call others for a place. */
  const attemptOnce = (remediation: Remediation): Verdict => {
    const { id, alert } = remediation;
    const before = held.get(id)?.verdict.decision;
    held.delete(id);
    waiting.remove(id);
    const decided = decide(remediation, factsOf(alert));
    const verdict = { ...decided, alert, remediation: id };
    remember(decided, id, alert);
    call(...hold(remediation, verdict), ...givenBack(remediation, verdict));
    // It was called for what is free, and leaves it to the next.
    if (wasCalled(before) && !needsPlace(decided.decision)) {
      const target = before?.kind === 'hold' && before.reason === 'target' && wishOf(alert)?.target;
      call(target ? waiting.nextFor(target) : undefined, waiting.next(decided.operarius));
    }
    return verdict;
  };
  const called: string[] = [];
  const call = (...ids: readonly (string | undefined)[]): void => {
    called.push(...ids.filter((id) => id !== undefined));
  };
  /** Tries those that were called, in that order. */
  const tryCalled = (): Verdict[] => {
    const verdicts: Verdict[] = [];
    for (let id = called.shift(); id !== undefined; id = called.shift()) {
      const next = held.get(id);
      if (next !== undefined) verdicts.push(attemptOnce(next.remediation));
    }
    return verdicts;
  };
  /** One attempt. @returns what it came to, and what others came to because of it */
  const attempt = (remediation: Remediation): [Verdict, ...Verdict[]] => [
    attemptOnce(remediation),
    ...tryCalled(),
  ];
  /**
   * The worker looks whether it is too late in the command that takes the place, and then gives it back.
   *
   * @returns those that are called for it
   */
  const givenBack = (
    remediation: Remediation,
    { decision, steps }: Verdict,
  ): (string | undefined)[] => {
    const tooLate = steps.at(-1)?.name === 'age' || steps.at(-1)?.name === 'manifest';
    if (decision.kind !== 'end' || !tooLate) return [];
    const wish = wishOf(remediation.alert);
    if (wish === undefined || !RUNNING.includes(registry.modeOf(wish.operarius))) return [];
    const { troubleKey } = troubleOf(remediation, wish.operarius);
    return memories.of(troubleKey) === undefined ? calls.insteadOfLate(wish) : [];
  };
  /** @returns those that are called for what this one cannot use */
  const hold = (remediation: Remediation, verdict: Verdict): (string | undefined)[] => {
    const { decision } = verdict;
    if (decision.kind !== 'hold') return [];
    const { id, alert } = remediation;
    const cooled = cooledBy(remediation, decision, now);
    held.set(id, { remediation: cooled, verdict, until: decision.until });
    const wish = wishOf(alert);
    return wish === undefined || !isOfALimit(decision)
      ? []
      : calls.insteadOfHeld(wish, remediation);
  };
  const ends = (verdicts: readonly Verdict[]): Verdict[] =>
    verdicts.filter(({ decision }) => decision.kind === 'end');

  const heldOccurrence = (occurrence: string): Verdict | undefined =>
    [...held.values()].find(
      ({ remediation }) => occurrenceOf(remediation.group.key, remediation.alert) === occurrence,
    )?.verdict;

  return {
    now: clock,
    notify(body) {
      const notification = readNotification(body, () => {});
      const reading = { groupStatus: notification.status, receivedAt: now, warn: () => {} };
      const alerts = notification.alerts.map((alert) => readAlert(alert, reading));
      for (const alert of alerts) {
        if (alert instanceof RejectedAlert) continue;
        const { status, startsAt, endsAt } = alert;
        states.set(stateKey('', alert), { receivedAt: now, status, startsAt, endsAt });
      }
      const group = {
        key: notification.groupKey,
        status: notification.status ?? '',
        externalURL: notification.externalURL,
      };
      // The queue has all of them before the first is taken.
      const queued = new Map<string, Verdict>();
      return alerts.map((alert) => {
        if (alert instanceof RejectedAlert) return alert;
        const occurrence = occurrenceOf(group.key, alert);
        const same = queued.get(occurrence) ?? heldOccurrence(occurrence);
        if (same !== undefined) return { ...same, absorbed: true as const };
        const id = `r-${String(++received).padStart(6, '0')}`;
        const [verdict] = attempt({ v: 1, id, receivedAt: now, group, alert });
        queued.set(occurrence, verdict);
        return verdict;
      });
    },
    advance(ms) {
      const end = now + ms;
      const verdicts: Verdict[] = [];
      for (;;) {
        const [next] = [...held.values()].sort((a, b) => a.until - b.until);
        if (next === undefined || next.until > end) break;
        now = Math.max(now, next.until);
        verdicts.push(...ends(attempt(next.remediation)));
      }
      now = end;
      return verdicts;
    },
    finish() {
      const verdicts: Verdict[] = [];
      // Not those that are created because a place is free now.
      for (const job of jobs.unfinished()) {
        job.finished = true;
        call(job.target && waiting.nextFor(job.target), waiting.next(job.operarius));
        verdicts.push(...ends(tryCalled()));
      }
      return verdicts;
    },
  };
}

/** The modes in which Jobs are created. */
const RUNNING: readonly Mode[] = ['run', 'approve'];

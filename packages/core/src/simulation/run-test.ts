import { parseDuration } from '../duration.ts';
import { isObject } from '../kubernetes.ts';
import { RejectedAlert } from '../read-alert.ts';
import { environmentsOf } from './environments.ts';
import { createSimulation, type SimulationInput, type Verdict } from './simulation.ts';
import type { Expected, TestCase, TestStep } from './test-file.ts';

/** What is not as expected, and where: `steps[1].expect[0]`. */
export interface Failure {
  readonly path: string;
  readonly message: string;
}

/** The clock of a test begins here. Nothing depends on it but times that a test writes itself. */
const START = Date.parse('2026-01-01T00:00:00Z');

/** Runs one test: a virtual clock, no Redis and no cluster. @returns what failed */
export function runTest(
  { steps }: TestCase,
  input: Omit<SimulationInput, 'start'>,
): readonly Failure[] {
  const simulation = createSimulation({ ...input, start: START });
  const notifications = createNotifications(simulation.now);
  return steps.flatMap((step, i) => {
    const held = [...passTime(step, simulation.advance), ...finish(step, simulation.finish)];
    const body = notifications.of(step);
    const verdicts = body === undefined ? held : simulation.notify(body);
    return compareAll(step, verdicts).map(({ path, message }) => ({
      path: `steps[${i}]${path}`,
      message,
    }));
  });
}

function passTime({ after }: TestStep, advance: (ms: number) => readonly Verdict[]) {
  return after === undefined ? [] : advance(parseDuration(after) ?? 0);
}

function finish(step: TestStep, finishAll: () => readonly Verdict[]) {
  return step.finish === undefined ? [] : finishAll();
}

/** Fills in what Alertmanager would: an alert starts when its labels begin to fire, and ends when it resolves. */
function createNotifications(now: () => number) {
  const firing = new Map<string, string>();
  let last: object | undefined;
  const filled = (alert: NonNullable<TestStep['notify']>['alerts'][number]): object => {
    const key = JSON.stringify(Object.entries(alert.labels).sort());
    const time = new Date(now()).toISOString();
    const { status = 'firing', startsAt = firing.get(key) ?? time, endsAt } = alert;
    if (status === 'firing') firing.set(key, startsAt);
    else firing.delete(key);
    const ends = status === 'resolved' ? { endsAt: endsAt ?? time } : {};
    return { ...alert, status, startsAt, ...ends };
  };
  return {
    of({ notify, again }: TestStep): object | undefined {
      if (again) return last;
      if (notify === undefined) return undefined;
      const { alerts, groupKey = '{}:{}', externalURL = '' } = notify;
      const status = alerts.every((alert) => alert.status === 'resolved') ? 'resolved' : 'firing';
      last = { version: '4', status, groupKey, externalURL, alerts: alerts.map(filled) };
      return last;
    },
  };
}

function compareAll(
  { expect }: TestStep,
  verdicts: readonly (Verdict | RejectedAlert)[],
): Failure[] {
  if (expect === undefined) return [];
  const failures = expect.flatMap((expected, i) =>
    compare(expected, verdicts[i]).map((message) => ({ path: `.expect[${i}]`, message })),
  );
  if (verdicts.length <= expect.length) return failures;
  const more = verdicts.slice(expect.length).map(shown).join(', ');
  return [...failures, { path: '.expect', message: `expected no more, got ${more}` }];
}

function compare(expected: Expected, verdict: Verdict | RejectedAlert | undefined): string[] {
  if (verdict === undefined) return [`expected ${expected.outcome}, got nothing`];
  if (verdict instanceof RejectedAlert) {
    return [`expected ${expected.outcome}, but the receiver rejects the alert: ${verdict.reason}`];
  }
  const { decision, operarius } = verdict;
  const outcome = decision.kind === 'hold' ? 'held' : decision.outcome;
  if (outcome !== expected.outcome) return [`expected ${expected.outcome}, got ${shown(verdict)}`];
  const held = decision.kind === 'hold' ? decision.reason : undefined;
  const reason = decision.kind === 'hold' ? decision.text : decision.reason;
  return [
    ...differs('operarius', expected.operarius, operarius),
    ...differs('held', expected.held, held),
    ...(expected.reason === undefined || reason.includes(expected.reason)
      ? []
      : [
          `expected a reason with ${JSON.stringify(expected.reason)}, got ${JSON.stringify(reason)}`,
        ]),
    ...compareJob(expected, verdict),
  ];
}

function shown(verdict: Verdict | RejectedAlert): string {
  if (verdict instanceof RejectedAlert) return `a rejected alert: ${verdict.reason}`;
  const { decision } = verdict;
  return decision.kind === 'hold'
    ? `held (${decision.reason}: ${decision.text})`
    : `${decision.outcome} (${decision.reason})`;
}

function differs(what: string, expected: string | undefined, actual: string | undefined): string[] {
  if (expected === undefined || expected === actual) return [];
  return [`expected ${what} ${expected}, got ${actual ?? 'none'}`];
}

function compareJob({ env = {}, job }: Expected, { decision }: Verdict): string[] {
  if (Object.keys(env).length === 0 && job === undefined) return [];
  const manifest = decision.kind === 'end' ? decision.manifest : undefined;
  if (manifest === undefined) return ['expected a Job, but none is created here'];
  const wrong = [...environmentsOf(manifest)].flatMap(([container, variables]) =>
    Object.entries(env).flatMap(([name, value]) =>
      variables.get(name) === value
        ? []
        : [
            `container ${container}: expected ${name}=${value}, got ${variables.get(name) ?? 'no such variable'}`,
          ],
    ),
  );
  return [...wrong, ...partsMissing(job, manifest, 'job')];
}

/** Where a part differs: objects may have more than the part says, lists may not. */
function partsMissing(part: unknown, whole: unknown, path: string): string[] {
  if (part === undefined) return [];
  if (isObject(part) && isObject(whole)) {
    return Object.entries(part).flatMap(([key, value]) =>
      partsMissing(value, Object.hasOwn(whole, key) ? whole[key] : undefined, `${path}.${key}`),
    );
  }
  if (Array.isArray(part) && Array.isArray(whole) && part.length === whole.length) {
    return part.flatMap((value, i) => partsMissing(value, whole[i], `${path}[${i}]`));
  }
  if (JSON.stringify(part) === JSON.stringify(whole)) return [];
  return [`${path}: expected ${brief(part)}, got ${brief(whole)}`];
}

/** Longer values are read in the manifest. */
const LONGEST_VALUE = 200;

function brief(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, LONGEST_VALUE);
}

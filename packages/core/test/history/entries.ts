import fc from 'fast-check';
import type { AlertStatus } from '../../src/alert.ts';
import {
  ACTS,
  type AskedEntry,
  type DecidedEntry,
  type EffectEntry,
  type EndEntry,
  type Entry,
  FATES,
  type FateEntry,
  type HeldEntry,
  type Subject,
} from '../../src/history/entry.ts';
import { instantOf } from '../../src/instant.ts';
import { EFFECTS, ENDS } from '../../src/outcome.ts';
import { DECIDED_HOW, DECISIONS } from '../../src/redis/approvals.ts';

/** When the alerts of these tests start: 3 in the morning. */
export const NIGHT = Date.UTC(2026, 10, 22, 3);
export const MINUTE = 60_000;

export function subject(parts: Partial<Subject> = {}): Subject {
  return {
    id: 'one',
    alertname: 'DiskFull',
    status: 'firing',
    fingerprint: 'f1',
    startsAt: instantOf(NIGHT),
    operarius: 'openfero-diskfull-firing',
    ...parts,
  };
}

export function end(parts: Partial<EndEntry> = {}): EndEntry {
  return {
    ...subject(),
    kind: 'end',
    outcome: 'created',
    reason: 'created',
    labels: { alertname: 'DiskFull', namespace: 'shop' },
    groupKey: '{}:{}',
    receivedAt: NIGHT + 1_000,
    endedAt: NIGHT + 2_000,
    ...(parts.outcome === undefined && { job: 'job-1' }),
    ...parts,
  };
}

export function fate(parts: Partial<FateEntry> = {}): FateEntry {
  return {
    ...subject(),
    kind: 'fate',
    fate: 'succeeded',
    reason: '',
    job: 'job-1',
    uid: 'u1',
    createdAt: NIGHT + 2_000,
    endedAt: NIGHT + MINUTE,
    ...parts,
  };
}

export function effect(parts: Partial<EffectEntry> = {}): EffectEntry {
  const run = { job: 'job-1', uid: 'u1', at: NIGHT + 16 * MINUTE };
  return { ...subject(), kind: 'effect', effect: 'resolved', ...run, ...parts };
}

export function asked(parts: Partial<AskedEntry> = {}): AskedEntry {
  const times = { at: NIGHT + 2_500, until: NIGHT + 60 * MINUTE };
  return { ...subject(), kind: 'asked', job: 'job-1', uid: 'u1', ...times, ...parts };
}

export function decided(parts: Partial<DecidedEntry> = {}): DecidedEntry {
  const what = { decision: 'approved', by: 'ada', how: 'dashboard' } as const;
  const run = { job: 'job-1', uid: 'u1', at: NIGHT + 5 * MINUTE };
  return { ...subject(), kind: 'decided', ...what, ...run, ...parts };
}

export function held(parts: Partial<HeldEntry> = {}): HeldEntry {
  const times = { at: NIGHT + 1_500, until: NIGHT + 10 * MINUTE };
  return { ...subject(), kind: 'held', reason: 'cooldown', ...times, ...parts };
}

/** A remediation is of one occurrence for ever; all else about it may change with each entry. */
const subjects = fc
  .record({ occurrence: fc.nat(3), number: fc.nat(2), resolved: fc.boolean(), name: fc.nat(1) })
  .map(({ occurrence, number, resolved, name }): Subject => {
    const status: AlertStatus = resolved ? 'resolved' : 'firing';
    return subject({
      id: `${occurrence}-${number}-${status}`,
      status,
      alertname: `A${name}`,
      fingerprint: occurrence === 3 ? '' : `f${occurrence % 2}`,
      startsAt: instantOf(NIGHT + occurrence),
      operarius: `op-${name}`,
    });
  });

const times = fc.nat(5).map((minutes) => NIGHT + minutes * MINUTE);
const jobs = fc.constantFrom('job-1', 'job-2', 'job-3');

export const entries: fc.Arbitrary<Entry> = fc.oneof(
  fc
    .record({
      subject: subjects,
      outcome: fc.constantFrom(...ENDS),
      label: fc.nat(2),
      job: fc.option(jobs, { nil: undefined }),
      receivedAt: times,
      endsAt: fc.option(times, { nil: undefined }),
      definition: fc.option(fc.constant('0123456789'), { nil: undefined }),
    })
    .map(({ subject, outcome, label, job, receivedAt, endsAt, definition }): Entry => {
      const { alertname } = subject;
      return {
        ...{ ...subject, kind: 'end', outcome, reason: `r${label}`, groupKey: `g${label}` },
        ...{ labels: { alertname, l: String(label) }, receivedAt, endedAt: receivedAt },
        ...(job !== undefined && { job }),
        ...(definition !== undefined && { definition }),
        ...(endsAt !== undefined && { endsAt: instantOf(endsAt) }),
      };
    }),
  fc
    .record({ subject: subjects, fate: fc.constantFrom(...FATES), job: jobs, endedAt: times })
    .map(({ subject, ...more }) => fate({ ...subject, ...more })),
  fc
    .record({ subject: subjects, reason: fc.constantFrom('cooldown', 'max-active'), at: times })
    .map(({ subject, ...more }) => held({ ...subject, ...more, by: `${more.reason} by a Job` })),
  fc
    .record({ subject: subjects, act: fc.constantFrom(...ACTS), at: times })
    .map(({ subject: { id }, act, at }): Entry => {
      return { kind: 'act', act, id, user: 'anna', address: '127.0.0.1', at };
    }),
  fc
    .record({ subject: subjects, effect: fc.constantFrom(...EFFECTS), job: jobs, at: times })
    .map(({ subject, ...more }) => effect({ ...subject, ...more })),
  fc
    .record({ subject: subjects, job: jobs, at: times, until: times })
    .map(({ subject, ...more }) => asked({ ...subject, ...more })),
  fc
    .record({
      ...{
        subject: subjects,
        decision: fc.constantFrom(...DECISIONS),
        by: fc.constantFrom('', 'a'),
      },
      ...{ how: fc.constantFrom(undefined, ...DECIDED_HOW), job: jobs, at: times },
    })
    .map(({ subject, how, ...more }): Entry => {
      const { how: _, ...known } = decided({ ...subject, ...more });
      return how === undefined ? known : { ...known, how };
    }),
  fc
    .record({ operarius: fc.constantFrom('op-0', 'op-1'), at: times })
    .chain((about) =>
      fc.constantFrom<Entry>(
        { kind: 'stopped', ...about, definition: 'd', until: 0, row: 5 },
        { kind: 'rearmed', ...about, definition: 'd', how: 'person', user: 'anna' },
        { kind: 'definition', ...about, before: 'c', definition: 'd', mode: 'run' },
        { kind: 'definition', ...about, before: 'd' },
      ),
    ),
  times.map((at): Entry => ({ kind: 'mode', from: 'run', to: 'off', source: 'x', at })),
);

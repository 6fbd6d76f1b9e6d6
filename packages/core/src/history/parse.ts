import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { AlertStatus, Texts } from '../alert.ts';
import { parseInstant } from '../instant.ts';
import { ENDS } from '../outcome.ts';
import { HISTORY_VERSION } from '../redis/history.ts';
import { ACTS, type EndEntry, type Entry, FATES } from './entry.ts';

/** The end of year 9999: a later time has no Instant. */
const Time = Type.Number({ minimum: 0, maximum: 253_402_300_799_999 });

/** TypeBox's own type of it is `object`. */
const Labels = Type.Unsafe<Texts>(Type.Object({}, { additionalProperties: Type.String() }));

const SUBJECT = {
  id: Type.String({ minLength: 1 }),
  alertname: Type.String(),
  status: Type.Unsafe<AlertStatus>(Type.Enum(['firing', 'resolved'])),
  fingerprint: Type.String(),
  startsAt: Type.String(),
  operarius: Type.String(),
};
const Mode = Type.Enum(['run', 'dry-run', 'off']);

const SCHEMAS = {
  end: Compile(
    Type.Object({
      ...SUBJECT,
      kind: Type.Literal('end'),
      outcome: Type.Enum([...ENDS]),
      reason: Type.String(),
      labels: Labels,
      groupKey: Type.String(),
      job: Type.Optional(Type.String()),
      warnings: Type.Optional(Type.Array(Type.String())),
      receivedAt: Time,
      endedAt: Time,
      endsAt: Type.Optional(Type.String()),
    }),
  ),
  fate: Compile(
    Type.Object({
      ...SUBJECT,
      kind: Type.Literal('fate'),
      fate: Type.Enum([...FATES]),
      reason: Type.String(),
      job: Type.String({ minLength: 1 }),
      uid: Type.String(),
      createdAt: Time,
      endedAt: Time,
    }),
  ),
  held: Compile(
    Type.Object({
      ...SUBJECT,
      kind: Type.Literal('held'),
      reason: Type.String(),
      until: Time,
      at: Time,
    }),
  ),
  act: Compile(
    Type.Object({
      kind: Type.Literal('act'),
      act: Type.Enum([...ACTS]),
      id: Type.String(),
      user: Type.String(),
      address: Type.String(),
      at: Time,
    }),
  ),
  mode: Compile(
    Type.Object({
      kind: Type.Literal('mode'),
      from: Mode,
      to: Mode,
      source: Type.String(),
      at: Time,
    }),
  ),
};

/** Characters: twice what encodeEntry writes at most. Nothing of ours is longer. */
const LONGEST = 4_096;

/**
 * Reads the fields of an entry as hostile input: anyone who can write to Redis can write anything.
 *
 * @param fields names and values in turn, as Redis answers them
 * @param intern returns one string for equal ones: texts that repeat are then kept once
 * @returns undefined where it is no entry of ours, or one of a version that this code does not know
 */
export function parseEntry(
  fields: readonly string[],
  intern: (text: string) => string = (text) => text,
): Entry | undefined {
  const [version, v, name, text, ...more] = fields;
  if (version !== 'v' || v !== String(HISTORY_VERSION) || name !== 'e' || more.length > 0) {
    return undefined;
  }
  if (text === undefined || text.length > LONGEST) return undefined;
  const entry = checked(parseJson(text));
  return entry && shared(entry, intern);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function checked(value: unknown): Entry | undefined {
  const { end, fate, held, act, mode } = SCHEMAS;
  if (end.Check(value) || fate.Check(value) || held.Check(value)) {
    return hasInstants(value) ? value : undefined;
  }
  return act.Check(value) || mode.Check(value) ? value : undefined;
}

function hasInstants(entry: { readonly startsAt: string; readonly endsAt?: string }): boolean {
  const { startsAt, endsAt = startsAt } = entry;
  return parseInstant(startsAt) === startsAt && parseInstant(endsAt) === endsAt;
}

function shared(entry: Entry, intern: (text: string) => string): Entry {
  if (entry.kind === 'act' || entry.kind === 'mode') return entry;
  const { alertname, operarius, reason } = entry;
  const texts = {
    alertname: intern(alertname),
    operarius: intern(operarius),
    reason: intern(reason),
  };
  return entry.kind === 'end'
    ? { ...entry, ...texts, ...sharedEnd(entry, intern) }
    : { ...entry, ...texts };
}

function sharedEnd(
  { groupKey, labels, warnings }: EndEntry,
  intern: (text: string) => string,
): Pick<EndEntry, 'groupKey' | 'labels' | 'warnings'> {
  const entries = Object.entries(labels).map(([name, value]) => [name, intern(value)]);
  return {
    groupKey: intern(groupKey),
    labels: Object.fromEntries(entries),
    ...(warnings !== undefined && { warnings: warnings.map(intern) }),
  };
}

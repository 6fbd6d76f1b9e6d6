import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { AlertStatus } from '../alert.ts';
import { parseInstant } from '../instant.ts';
import { MODES } from '../mode.ts';
import { EFFECTS, ENDS } from '../outcome.ts';
import { DECIDED_HOW, DECISIONS } from '../redis/approvals.ts';
import { HISTORY_VERSION } from '../redis/history.ts';
import { ACTS, type Entry, FATES, REARMED_HOW } from './entry.ts';

/** The end of year 9999: a later time has no Instant. */
const Time = Type.Number({ minimum: 0, maximum: 253_402_300_799_999 });

/** TypeBox's own type of it is `object`. */
const Labels = Type.Unsafe<Record<string, string>>(
  Type.Object({}, { additionalProperties: Type.String() }),
);

const SUBJECT = {
  id: Type.String({ minLength: 1 }),
  alertname: Type.String(),
  status: Type.Unsafe<AlertStatus>(Type.Enum(['firing', 'resolved'])),
  fingerprint: Type.String(),
  startsAt: Type.String(),
  operarius: Type.String(),
};
const Mode = Type.Enum([...MODES]);

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
      definition: Type.Optional(Type.String()),
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
  effect: Compile(
    Type.Object({
      ...SUBJECT,
      kind: Type.Literal('effect'),
      effect: Type.Enum([...EFFECTS]),
      job: Type.String({ minLength: 1 }),
      uid: Type.String(),
      at: Time,
    }),
  ),
  asked: Compile(
    Type.Object({
      ...SUBJECT,
      kind: Type.Literal('asked'),
      job: Type.String({ minLength: 1 }),
      uid: Type.String(),
      until: Time,
      at: Time,
    }),
  ),
  decided: Compile(
    Type.Object({
      ...SUBJECT,
      kind: Type.Literal('decided'),
      decision: Type.Enum([...DECISIONS]),
      by: Type.String(),
      how: Type.Optional(Type.Enum([...DECIDED_HOW])),
      job: Type.String({ minLength: 1 }),
      uid: Type.String(),
      at: Time,
    }),
  ),
  stopped: Compile(
    Type.Object({
      kind: Type.Literal('stopped'),
      operarius: Type.String(),
      definition: Type.String(),
      until: Time,
      row: Type.Integer({ minimum: 1 }),
      at: Time,
    }),
  ),
  rearmed: Compile(
    Type.Object({
      kind: Type.Literal('rearmed'),
      operarius: Type.String(),
      definition: Type.String(),
      how: Type.Enum([...REARMED_HOW]),
      user: Type.Optional(Type.String()),
      at: Time,
    }),
  ),
  definition: Compile(
    Type.Object({
      kind: Type.Literal('definition'),
      operarius: Type.String(),
      before: Type.Optional(Type.String()),
      definition: Type.Optional(Type.String()),
      mode: Type.Optional(Mode),
      problem: Type.Optional(Type.String()),
      at: Time,
    }),
  ),
  held: Compile(
    Type.Object({
      ...SUBJECT,
      kind: Type.Literal('held'),
      reason: Type.String(),
      by: Type.Optional(Type.String()),
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
  intern: Intern = (text) => text,
): Entry | undefined {
  const [version, v, name, text, ...more] = fields;
  if (version !== 'v' || v !== String(HISTORY_VERSION) || name !== 'e' || more.length > 0) {
    return undefined;
  }
  if (text === undefined || text.length > LONGEST) return undefined;
  return readEntry(parseJson(text), intern);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

type Intern = (text: string) => string;

function readEntry(value: unknown, intern: Intern): Entry | undefined {
  const { end, fate, effect, held, asked, decided } = SCHEMAS;
  if (end.Check(value)) {
    shareTexts(value, intern);
    return readSubject(value, intern);
  }
  if (fate.Check(value) || held.Check(value)) return readSubject(value, intern);
  if (effect.Check(value) || asked.Check(value) || decided.Check(value)) {
    return hasInstants(value) ? value : undefined;
  }
  return readOther(value);
}

function readOther(value: unknown): Entry | undefined {
  const { act, mode, stopped, rearmed, definition } = SCHEMAS;
  if (stopped.Check(value) || rearmed.Check(value) || definition.Check(value)) return value;
  return act.Check(value) || mode.Check(value) ? value : undefined;
}

function readSubject<T extends Texts>(entry: T, intern: Intern): T | undefined {
  if (!hasInstants(entry)) return undefined;
  entry.alertname = intern(entry.alertname);
  entry.operarius = intern(entry.operarius);
  entry.reason = intern(entry.reason);
  return entry;
}

function shareTexts(
  end: {
    labels: Record<string, string>;
    groupKey: string;
    definition?: string;
    warnings?: string[];
  },
  intern: Intern,
): void {
  shareValues(end.labels, intern);
  end.groupKey = intern(end.groupKey);
  if (end.definition !== undefined) end.definition = intern(end.definition);
  if (end.warnings !== undefined) end.warnings = end.warnings.map(intern);
}

interface Texts {
  alertname: string;
  operarius: string;
  reason: string;
  readonly startsAt: string;
  readonly endsAt?: string;
}

/** In place: an object that is built name by name takes more memory than a parsed one. */
function shareValues(object: Record<string, string>, intern: Intern): void {
  for (const [name, value] of Object.entries(object)) object[name] = intern(value);
}

function hasInstants({ startsAt, endsAt = startsAt }: Pick<Texts, 'startsAt' | 'endsAt'>): boolean {
  return parseInstant(startsAt) === startsAt && parseInstant(endsAt) === endsAt;
}

import { isObject } from '../kubernetes.ts';
import { key } from './keys.ts';

/**
 * Alerts that OpenFero raises itself, for people: a worker posts them to every Alertmanager, which routes,
 * groups and silences them like any other.
 *
 * | key | shape | holds |
 * |---|---|---|
 * | raised | hash | {@link fieldOf} to {@link Raised}, JSON; {@link MOST_RAISED} at most |
 * | tick:raise | string | which worker looks at it now |
 * | tick:raise-all | string | all have been posted a short while ago |
 */
export const raisedKey = (prefix: string): string => key(prefix, 'raised');
export const raiseTickKey = (prefix: string): string => key(prefix, 'tick', 'raise');
export const raiseAllTickKey = (prefix: string): string => key(prefix, 'tick', 'raise-all');

/** Raised at once, 1 KiB each mostly (decisions/raised.ts bounds it): people read no more either. */
export const MOST_RAISED = 1_000;

/** The field of `totals` that counts those beyond. No operarius is named so: a field of fates has a slash. */
export const RAISED_DROPPED_FIELD = 'raised-dropped';

/** What an alert is raised for: it decides when it is over. */
export const RAISED_KINDS = ['remediation-failed', 'approval-needed', 'stopped'] as const;
export type RaisedKind = (typeof RAISED_KINDS)[number];

/** What it is about: as long as one is raised, there is no second one of its field. */
export const fieldOf = (kind: RaisedKind, ...parts: readonly string[]): string =>
  [kind, ...parts].join('/');

/** An alert without its times. */
export interface RaisedContent {
  readonly kind: RaisedKind;
  /** The ConfigMap's name. */
  readonly operarius: string;
  /** Of the Job that waits for a person. */
  readonly uid?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Of the dashboard. */
  readonly url?: string;
  /** The alert that was to be remediated: when it has gone, this one is over. */
  readonly about?: { readonly alertname: string; readonly fingerprint: string };
}

/** An alert as it is raised by one of the scripts. */
export interface ToRaise {
  readonly field: string;
  /** Milliseconds after which it is over whatever happens. */
  readonly lasts: number;
  readonly content: RaisedContent;
}

/** An alert that is raised. Times in milliseconds, Redis' clock. */
export interface Raised extends RaisedContent {
  readonly startsAt: number;
  /** When it is over at the latest; in the past: when it ended. */
  readonly until: number;
  /** When it was raised last, or ended. */
  readonly at: number;
}

/** Reads a field of `raised` as hostile input. */
export function readRaised(text: string): Raised | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && isRaised(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRaised(value: object): value is Raised {
  const { kind, operarius, uid, labels, annotations, url, about, ...times } = Object(value);
  return (
    RAISED_KINDS.includes(kind) &&
    typeof operarius === 'string' &&
    [labels, annotations, about ?? {}].every(isTexts) &&
    [uid, url].every((each) => each === undefined || typeof each === 'string') &&
    [times.startsAt, times.until, times.at].every(Number.isFinite)
  );
}

const isTexts = (value: unknown): boolean =>
  isObject(value) && Object.values(value).every((each) => typeof each === 'string');

/**
 * Lua: raises the alert whose {@link raiseArguments} begin at an index of ARGV. One that is raised already goes
 * on: it keeps its labels, so that it stays the same alert, and its beginning. Never fails.
 */
export const RAISE_FUNCTION = `
local function raise(raised, totals, i)
  if ARGV[i] == '' then return end
  pcall(function()
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local alert = cjson.decode(ARGV[i + 2])
    alert.startsAt, alert.at, alert['until'] = now, now, now + ARGV[i + 1]
    local before = redis.call('HGET', raised, ARGV[i])
    if not before and redis.call('HLEN', raised) >= ${MOST_RAISED} then
      redis.call('HINCRBY', totals, '${RAISED_DROPPED_FIELD}', 1)
      return
    end
    local ok, known = pcall(cjson.decode, before or '')
    if ok and type(known) == 'table' and (tonumber(known['until']) or 0) > now then
      alert.startsAt, alert.labels = known.startsAt, known.labels
    end
    redis.call('HSET', raised, ARGV[i], cjson.encode(alert))
  end)
end
`;

/** The ARGV of an alert that is to be raised, or of none. */
export const raiseArguments = (raised: ToRaise | undefined): (string | number)[] =>
  raised === undefined ? ['', 0, ''] : [raised.field, raised.lasts, JSON.stringify(raised.content)];

/** What a run raises: that it was a bad one, and that its operarius is stopped, if it is. */
export interface RaisedByRun {
  readonly failed: ToRaise | undefined;
  readonly stopped: ToRaise;
}

/** Lua: raises what {@link raisedByRunArguments} say from an index of ARGV on. @param row 0: nothing is stopped */
export const RAISE_BY_RUN_FUNCTION = `${RAISE_FUNCTION}
local function raiseByRun(raised, totals, i, row)
  raise(raised, totals, i)
  if row > 0 then raise(raised, totals, i + 3) end
end
`;

export const raisedByRunArguments = (by: RaisedByRun | undefined): (string | number)[] => [
  ...raiseArguments(by?.failed),
  ...raiseArguments(by?.stopped),
];

/**
 * Replaces an alert, or removes it, unless it was raised again meanwhile.
 *
 * KEYS raised; ARGV the field, the alert as it was, as it is now or ''. Returns whether it did.
 */
export const REPLACE_RAISED = `
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1])
else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return 1
`;

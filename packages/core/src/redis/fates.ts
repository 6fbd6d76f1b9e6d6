import { type DueEffect, effectsKey } from './effects.ts';
import { APPEND_FUNCTION, appendKeys } from './history.ts';
import { key } from './keys.ts';
import { placeKeys, placeOf, RELEASE_FUNCTION } from './places.ts';
import {
  RAISE_BY_RUN_FUNCTION,
  type RaisedByRun,
  raisedByRunArguments,
  raisedKey,
} from './raised.ts';
import { stoppedKey } from './stopped.ts';
import { targetKeys } from './targets.ts';
import {
  RUN_OF,
  type RunVerdict,
  runArguments,
  VERDICT_FUNCTIONS,
  verdictsKey,
} from './verdicts.ts';

/** Stands once the end of the Job with this uid is recorded. */
export const fateKey = (prefix: string, uid: string): string => key(prefix, 'fate', uid);

/**
 * Milliseconds: 8 days. At its start a worker tells the ends of all Jobs that it finds and that are up to
 * 7 days old; none of them may count twice.
 */
export const FATE_TTL = 8 * 24 * 3600 * 1000;

/**
 * The field of `totals` that counts the Jobs of an operarius that ended so. Neither has a slash.
 *
 * @param operarius as the label of the Job spells it; empty where it does not exist any more
 */
export const fateField = (operarius: string, fate: string): string => `${operarius}/${fate}`;

/** The operarius and the fate of a field of `totals`; undefined for another field. */
export function readFateField(field: string): { operarius: string; fate: string } | undefined {
  const slash = field.indexOf('/');
  if (slash === -1) return undefined;
  return { operarius: field.slice(0, slash), fate: field.slice(slash + 1) };
}

/**
 * Tells that a Job has ended: gives its place back as RELEASE_PLACE does, and records its fate if no
 * worker has told of this uid before.
 *
 * KEYS 1 to 4 of TAKE_PLACE, the fate, those of `append`, the verdicts, what is stopped, the effects, what is
 * raised, and of a Job with a target those of RELEASE_PLACE. ARGV the place, the fate's life, the field of
 * `totals`, how many entries the history may have, the entry, the Job's end, when its effect is judged after
 * it, the effect, runArguments, what it raises, and as the last one the target's digest or ''.
 * Returns {'recorded' or 'known' or what Redis refused, what RELEASE_PLACE returns, the row that stopped the
 * operarius or 0}. The place is given back whatever Redis says of the rest: at maxmemory it takes no new key,
 * but Jobs still end.
 */
export const END_JOB = `${RELEASE_FUNCTION}${APPEND_FUNCTION}${VERDICT_FUNCTIONS}${RUN_OF}${RAISE_BY_RUN_FUNCTION}
local function record()
  local answer = redis.pcall('SET', KEYS[5], '1', 'NX', 'PX', ARGV[2])
  if not answer then return 'known' end
  if answer.err then return answer.err end
  redis.pcall('HINCRBY', KEYS[8], ARGV[3], 1)
  append(KEYS[6], KEYS[7], KEYS[8], ARGV[4], ARGV[5])
  return 'recorded'
end
local function judge()
  local run = runOf(9)
  run.ended, run.within, run.effect = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
  return noteVerdict(KEYS[9], KEYS[10], KEYS[11], run, function(entry)
    append(KEYS[6], KEYS[7], KEYS[8], ARGV[4], entry)
  end)
end
local recorded, row = record(), 0
if recorded == 'recorded' then
  local judged, found = pcall(judge)
  row = judged and found or 0
  raiseByRun(KEYS[12], KEYS[8], 15, row)
end
return {recorded, release(ARGV[1], ARGV[#ARGV], KEYS[13], KEYS[14]), row}
`;

/** A Job that has ended, and the entry that says so. */
export interface EndOfJob {
  readonly uid: string;
  /** The Job's name. */
  readonly job: string;
  /** As the label of the Job spells it. */
  readonly operarius: string;
  /** Whether its ConfigMap is still there: else it is counted without a name. */
  readonly isKnown: boolean;
  readonly fate: string;
  /** As encodeEntry writes it. */
  readonly entry: string;
  /** The digest of what it worked on. */
  readonly target?: string | undefined;
  /** Undefined where the run says nothing about its operarius. */
  readonly run?: EndedRun | undefined;
  readonly raised?: RaisedByRun | undefined;
}

/** What the end of a Job says about its operarius. */
export interface EndedRun extends RunVerdict {
  /** Milliseconds, the cluster's clock. */
  readonly endedAt: number;
  /** What is judged later, of a pending one. */
  readonly effect?: Omit<DueEffect, 'due'>;
}

/** KEYS and ARGV of {@link END_JOB}. @param count OPENFERO_HISTORY_COUNT */
export function endJobArguments(
  prefix: string,
  { uid, job, operarius, isKnown, fate, entry, run, raised, target }: EndOfJob,
  count: number,
): { keys: string[]; args: (string | number)[] } {
  return {
    keys: [
      ...placeKeys(prefix, operarius),
      fateKey(prefix, uid),
      ...appendKeys(prefix),
      verdictsKey(prefix, run?.operarius ?? '', run?.definition ?? ''),
      ...[stoppedKey(prefix), effectsKey(prefix), raisedKey(prefix)],
      ...targetKeys(prefix, target),
    ],
    args: [
      ...[placeOf(operarius, job), FATE_TTL, fateField(isKnown ? operarius : '', fate)],
      ...[count, entry, run?.endedAt ?? 0, run?.effect?.within ?? 0],
      ...[JSON.stringify(run?.effect ?? {}), ...runArguments(run), ...raisedByRunArguments(raised)],
      target ?? '',
    ],
  };
}

export interface JobEndTold {
  /** Whether this call was the one that recorded it: log line, Event and histogram are its caller's. */
  readonly first: boolean;
  /** Why Redis did not record it, such as at maxmemory: tell it again later. */
  readonly refused: string | undefined;
  /** The remediations that should be looked at now. */
  readonly next: readonly string[];
  /** How many bad runs in a row have stopped the operarius with this one; 0 where it goes on. */
  readonly row: number;
}

/** Reads the answer of {@link END_JOB}. @throws where it is none */
export function readEndJob(answer: unknown): JobEndTold {
  const [recorded, next, row] = Array.isArray(answer) ? answer : [];
  if (typeof recorded !== 'string' || !Array.isArray(next) || typeof row !== 'number') {
    throw new Error('the script that ends a Job answered nonsense');
  }
  const first = recorded === 'recorded';
  return {
    first,
    refused: first || recorded === 'known' ? undefined : recorded,
    next: next.map(String),
    row,
  };
}

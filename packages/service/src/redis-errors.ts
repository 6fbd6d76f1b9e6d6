import { codeOf, messageOf } from '@openfero/core/errors';
import { oneLine } from '@openfero/core/one-line';
import {
  CONNECTIONS,
  type Kind,
  REACHABLE,
  REPLIES,
  type Rule,
  SENTINELS,
  UNANSWERED,
} from './redis-error-rules.ts';

/** What Redis, its client or the connection reported. */
export interface RedisFailure {
  readonly kind: Kind;
  /** One line: what is wrong, the server's own words, what to check. */
  readonly problem: string;
}

/**
 * Judges the error of a command. An error of anything else is undefined, whatever its text says: that
 * may quote an alert.
 */
export function redisFailureOf(error: unknown): RedisFailure | undefined {
  return refusalOf(error) ?? judge(UNANSWERED, error, messageOf(error));
}

/** Judges a reply with which Redis refused a command. An error of anything else is undefined. */
export function refusalOf(error: unknown): RedisFailure | undefined {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return undefined;
  const reply = firstReplyOf(error);
  const failure = judge(REPLIES, reply, messageOf(reply));
  return failure && OF_SELECT.has(failure.kind) ? databaseFailure(reply, failure) : failure;
}

/** Whether this user cannot run the command at all: it has no right to it, or the server has renamed it. */
export function isUnavailable(error: unknown): boolean {
  const kind = refusalOf(error)?.kind;
  return kind === 'not-permitted' || kind === 'unknown-command';
}

/** Judges why a connection broke, or could not be opened. */
export function connectionFailureOf(error: unknown): RedisFailure {
  const cause = causeOf(error);
  const text = `${String(codeOf(cause) ?? '')} ${messageOf(cause)}`;
  return refusalOf(cause) ?? judge(CONNECTIONS, cause, text) ?? NOT_CONNECTED;
}

/** Judges why a sentinel did not name the master. */
export function sentinelFailureOf(error: unknown): RedisFailure {
  return judge(SENTINELS, error, messageOf(error)) ?? NOT_CONNECTED;
}

/** Of the nodes of a cluster, the last one that failed tells why. */
function causeOf(error: unknown): unknown {
  const last: unknown =
    error instanceof Error && 'lastNodeError' in error ? error.lastNodeError : undefined;
  return last ?? error;
}

/** Before the first attempt ended, and if a connection was closed without a word. */
export const NOT_CONNECTED: RedisFailure = {
  kind: 'unreachable',
  problem: `Redis is not reachable: ${REACHABLE}`,
};

interface JudgedRule extends Rule {
  readonly kind: Kind;
}

function judge(
  rules: readonly JudgedRule[],
  error: unknown,
  text: string,
): RedisFailure | undefined {
  const rule = rules.find((each) => each.text.test(text));
  if (rule === undefined) return undefined;
  return { kind: rule.kind, problem: lineOf(rule.means, error, rule.check) };
}

function lineOf(means: string, error: unknown, check: string): string {
  const words = wordsOf(error);
  return `${means}${words === '' ? '' : ` (${words})`}: ${check}`;
}

/** A transaction reports its own end; the reason is the reply to one of its commands. */
function firstReplyOf(error: Error): unknown {
  const previous: unknown = 'previousErrors' in error ? error.previousErrors : undefined;
  return Array.isArray(previous) && previous.length > 0 ? previous[0] : error;
}

/** What it means where the command was SELECT: the user may lack the right, a proxy the command. */
const OF_SELECT: ReadonlySet<Kind> = new Set([
  'wrong-database',
  'not-permitted',
  'unknown-command',
  'error',
]);

/** ioredis notes the command in the error of its reply. */
function databaseFailure(reply: unknown, failure: RedisFailure): RedisFailure {
  const command: unknown = reply instanceof Error && 'command' in reply ? reply.command : undefined;
  if (typeof command !== 'object' || command === null) return failure;
  const { name, args } = { name: '', args: [], ...command };
  if (name !== 'select') return failure;
  const check = 'check the number at its end, and that the user may run SELECT';
  const means = `Redis refuses database ${String(args[0])}, which REDIS_URL names`;
  return { kind: 'wrong-database', problem: lineOf(means, reply, check) };
}

/**
 * The server's own words in one line. Redis quotes the arguments of an unknown command: of AUTH, the
 * password.
 */
export function wordsOf(error: unknown): string {
  const words = messageOf(error).replace(/,? ?with args beginning with.*$/s, '');
  return oneLine(words || String(codeOf(error) ?? '')).replace(/[.\s]+$/, '');
}

import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { codeOf, messageOf } from '@openfero/core/errors';
import { operariusName } from '@openfero/core/operarius';
import { FAILURES } from '@openfero/core/outcome';
import { QUEUE, readRemediation } from '@openfero/core/redis/remediation';
import { readCommonSettings } from '@openfero/service/common-settings';
import { createLogger, type Logger } from '@openfero/service/log';
import { jobsIn, openQueue } from '@openfero/service/queue';
import type { RedisConnection } from '@openfero/service/redis';
import { connectRedis } from '@openfero/service/redis';
import { connectionFailureOf } from '@openfero/service/redis-errors';
import {
  type Environment,
  InvalidSetting,
  InvalidSettings,
  oneOf,
  text,
} from '@openfero/service/settings';
import { runService } from '@openfero/service/stop';
import { ErrorCode, type Job, type Queue } from 'bullmq';

/** Milliseconds per command: a person waits for it. */
const COMMAND_TIMEOUT = 10_000;

/** What BullMQ says of one that is not in the failed set any more. */
const GONE: readonly unknown[] = [ErrorCode.JobNotInState, ErrorCode.JobNotExist];

/** Of a server's message, which may quote an alert: one line, for a terminal. */
const LONGEST_REASON = 160;

const USAGE = `say which: --operarius <its ConfigMap>, --reason <${FAILURES.join(' | ')}>, or both; with --dry they are only listed`;

/**
 * Retries failed remediations in bulk, once their cause is mended:
 * `npm run replay -- --reason rejected --operarius openfero-x-firing [--dry]`. Max-age counts from
 * here on.
 */
await runService(async () => {
  const wanted = readWanted(process.argv.slice(2));
  const { redis, prefix, log } = await openRedis(process.env);
  const queue = openQueue(redis, QUEUE, { prefix }, log);
  try {
    const chosen = await choose(queue, wanted);
    for (const failed of chosen) say(lineOf(failed));
    if (wanted.dry) say(`${chosen.length} would be retried`);
    else say(await retryAll(queue, chosen));
  } finally {
    await queue.close();
    redis.disconnect();
  }
});

/** Which of the failed ones; a filter that is left out takes every one. */
interface Wanted {
  readonly operarius: string | undefined;
  readonly reason: string | undefined;
  readonly dry: boolean;
}

/** What is kept of one: payloads can be large, and there can be 10,000. */
interface Failed {
  readonly id: string;
  readonly failedAt: string;
  /** The ConfigMap's name, or the one that it should have; empty where the payload is unreadable. */
  readonly operarius: string;
  readonly reason: string;
}

/** @throws naming what is wrong */
function readWanted(args: string[]): Wanted {
  const { operarius, reason, dry } = parse(args);
  if (operarius === undefined && reason === undefined) throw new InvalidSetting('replay', USAGE);
  if (reason !== undefined) oneOf({ '--reason': reason }, '--reason', FAILURES, FAILURES[0]);
  return { operarius, reason, dry };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        operarius: { type: 'string' },
        reason: { type: 'string' },
        dry: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new InvalidSetting('replay', `${messageOf(error).split('\n')[0]}: ${USAGE}`);
  }
}

/** @throws {InvalidSettings} where Redis cannot be used */
async function openRedis(
  env: Environment,
): Promise<{ redis: RedisConnection; prefix: string; log: Logger }> {
  const { redis: settings, prefix } = readCommonSettings(env, 0);
  const log = createLogger(text(env, 'LOG_LEVEL') ?? 'silent', 'replay');
  const redis = connectRedis(settings, {
    kind: 'producer',
    name: 'openfero-replay',
    commandTimeoutMs: COMMAND_TIMEOUT,
  });
  try {
    await once(redis, 'ready');
  } catch (error) {
    redis.disconnect();
    throw new InvalidSettings([connectionFailureOf(error).problem]);
  }
  return { redis, prefix, log };
}

/** Oldest first. All are found before any is retried. */
async function choose(queue: Queue, wanted: Wanted): Promise<Failed[]> {
  const chosen: Failed[] = [];
  for await (const job of jobsIn(queue, ['failed'], { ascending: true })) {
    const failed = failedOf(job);
    if (isWanted(failed, wanted)) chosen.push(failed);
  }
  return chosen;
}

function isWanted({ operarius, reason }: Failed, wanted: Wanted): boolean {
  return (
    (wanted.operarius ?? operarius) === operarius &&
    (wanted.reason === undefined || reason.startsWith(`${wanted.reason}:`))
  );
}

function failedOf(job: Job): Failed {
  return {
    id: job.id ?? '',
    failedAt: new Date(job.finishedOn ?? 0).toISOString(),
    operarius: operariusOf(job.data),
    reason: job.failedReason.slice(0, LONGEST_REASON),
  };
}

function operariusOf(data: unknown): string {
  try {
    const { alert, operarius } = readRemediation(data);
    return operarius ?? operariusName(alert.labels['alertname'] ?? '', alert.status);
  } catch {
    return '';
  }
}

async function retryAll(queue: Queue, chosen: readonly Failed[]): Promise<string> {
  let retried = 0;
  for (const { id } of chosen) if (await retry(queue, id)) retried++;
  const gone = chosen.length - retried;
  return `retried: ${retried}${gone === 0 ? '' : `; retried or removed by someone else: ${gone}`}`;
}

/** @returns false where it is not a failed one any more */
async function retry(queue: Queue, id: string): Promise<boolean> {
  const job = await queue.getJob(id);
  try {
    await job?.retry('failed');
    return job !== undefined;
  } catch (error) {
    if (GONE.includes(codeOf(error))) return false;
    throw error;
  }
}

function lineOf({ id, failedAt, operarius, reason }: Failed): string {
  const why = reason.replace(/\p{C}+/gu, ' ');
  return [failedAt, id, operarius || '-', why].join('  ');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

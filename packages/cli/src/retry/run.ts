import { codeOf } from '@openfero/core/errors';
import { operariusName } from '@openfero/core/operarius';
import { QUEUE, readRemediation } from '@openfero/core/redis/remediation';
import { jobsIn, openQueue } from '@openfero/service/queue';
import { ErrorCode, type Job, type Queue } from 'bullmq';
import { withRedis } from '../redis.ts';
import { environmentOf } from '../settings.ts';
import { silentLog } from '../silent-log.ts';
import { CouldNotAsk, type Terminal, YES } from '../terminal.ts';

/** What can be asked of `openfero retry`; a filter that is left out takes every one. */
export interface RetryOptions {
  readonly operarius?: string;
  readonly outcome?: string;
  readonly dryRun?: boolean;
  readonly envFile?: string;
}

/** What BullMQ says of one that is not in the failed set any more. */
const GONE: readonly unknown[] = [ErrorCode.JobNotInState, ErrorCode.JobNotExist];

/** Of a server's message, which may quote an alert: one line, for a terminal. */
const LONGEST_REASON = 160;

/** Takes up failed remediations again, once their cause is mended. Max-age counts from here on. */
export async function runRetry(options: RetryOptions, terminal: Terminal): Promise<number> {
  if (options.operarius === undefined && options.outcome === undefined) {
    throw new CouldNotAsk('which ones? Name --outcome, --operarius, or both; --dry-run lists them');
  }
  const env = await environmentOf(terminal, options.envFile);
  return withRedis(env, async ({ redis, prefix }) => {
    const queue = openQueue(redis, QUEUE, { prefix }, silentLog());
    try {
      const chosen = await choose(queue, options);
      for (const failed of chosen) terminal.out(lineOf(failed));
      if (options.dryRun) terminal.err(`${chosen.length} would be retried`);
      else terminal.err(await retryAll(queue, chosen));
      return YES;
    } finally {
      await queue.close();
    }
  });
}

/** What is kept of one: payloads can be large, and there can be 10,000. */
interface Failed {
  readonly id: string;
  readonly failedAt: string;
  /** The ConfigMap's name, or the one that it should have; empty where the payload is unreadable. */
  readonly operarius: string;
  readonly reason: string;
}

/** Oldest first. All are found before any is retried. */
async function choose(queue: Queue, wanted: RetryOptions): Promise<Failed[]> {
  const chosen: Failed[] = [];
  for await (const job of jobsIn(queue, ['failed'], { ascending: true })) {
    const failed = failedOf(job);
    if (isWanted(failed, wanted)) chosen.push(failed);
  }
  return chosen;
}

function isWanted({ operarius, reason }: Failed, wanted: RetryOptions): boolean {
  return (
    (wanted.operarius ?? operarius) === operarius &&
    (wanted.outcome === undefined || reason.startsWith(`${wanted.outcome}:`))
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

import { randomUUID } from 'node:crypto';
import type { Handled } from '@openfero/core/history/row';
import { readTime } from '@openfero/core/redis/memory';
import {
  QUEUE,
  REMEDIATION_OPTIONS,
  type Remediation,
  rerunId,
  rerunOf,
} from '@openfero/core/redis/remediation';
import type { RedisConnection } from '@openfero/service/redis';
import type { Job, Queue } from 'bullmq';
import type { Answer } from './answer.ts';
import type { History } from './history/history.ts';
import { readEntries } from './pages/history.ts';
import { readPayload } from './pages/queued.ts';

export interface RerunOptions {
  readonly history: History;
  readonly queue: Queue;
  readonly redis: RedisConnection;
  readonly prefix: string;
}

/**
 * Has the Job that a remediation created, and that failed, run again: queues a remediation of the same alert.
 * However often and wherever it is pressed, there is one for each Job that failed.
 */
export function createRerun(options: RerunOptions): (id: string) => Promise<Answer> {
  const { queue, redis, history } = options;
  return async (id) => {
    const handled = handledOf(history, id);
    if (!hasFailedJob(handled)) return refusal(409, NOT_FAILED);
    const uid = await uidOf(options, handled);
    const created = readPayload((await queue.getJob(id))?.data);
    if (uid === undefined || created === undefined) return refusal(410, NO_ALERT);
    const press = randomUUID();
    const again = rerunOf(created, { of: uid, press, at: readTime(await redis.time()) });
    // BullMQ keeps the one that it has.
    await queue.add(NAME, again, { ...REMEDIATION_OPTIONS, jobId: again.id });
    const kept = pressOf(await queue.getJob(again.id));
    if (kept !== press) return { ...refusal(409, TWICE), remediation: again.id };
    return { code: 204, changed: 1, remediation: again.id };
  };
}

/** As the receiver names what it adds. */
const NAME = 'remediation';

/** The remediation as its row shows it: undefined where the row shows a newer one in its place. */
export function handledOf({ fold }: History, id: string): Handled | undefined {
  const { firing, resolved } = fold.rowOfRemediation(id) ?? {};
  return [firing, resolved].find((handled) => handled?.id === id);
}

/** Whether it is this one's own Job that failed: one that absorbed it is another's. */
export const hasFailedJob = (handled: Handled | undefined): handled is Handled =>
  handled?.end?.outcome === 'created' && handled.job?.fate?.fate === 'failed';

/** The id of the remediation by which its Job is run again; undefined where the entry is trimmed. */
export async function rerunIdOf(
  options: RerunOptions,
  handled: Handled,
): Promise<string | undefined> {
  const uid = await uidOf(options, handled);
  return uid === undefined ? undefined : rerunId(uid);
}

/** Read again, since no row keeps it. */
async function uidOf(
  { redis, prefix }: RerunOptions,
  { job }: Handled,
): Promise<string | undefined> {
  const entry = job?.fate?.entry;
  if (entry === undefined) return undefined;
  const [fate] = await readEntries(redis, prefix, [entry]);
  return fate?.kind === 'fate' ? fate.uid : undefined;
}

function pressOf(job: Job | undefined): string | undefined {
  const again: Remediation | undefined = job && readPayload(job.data);
  return again?.rerun?.press;
}

const refusal = (code: 409 | 410, error: string): Answer => ({
  code,
  changed: 0,
  body: { error },
});

const NOT_FAILED = 'only a Job that failed, and was not run again since, can be run again';

/** Why a Job cannot be run again. */
export const NO_ALERT = `the alert is no longer in the queue ${QUEUE}, which keeps what has ended for 24 hours, and 10,000 of it at most; let Alertmanager send it again, or create the Job by hand`;

const TWICE = 'the Job was run again already: once is all that one failure allows';

import type { AskedJob, EndedJob } from '@openfero/cluster/cluster';
import { DECIDE, decideInput } from '@openfero/core/redis/approval-scripts';
import { approvalsKey, askedKey } from '@openfero/core/redis/approvals';
import { script } from '@openfero/service/script';
import { startLooking } from '../redis/looking.ts';
import type { Approvals } from './approvals.ts';
import { createAsk } from './ask.ts';
import { createCarryOut } from './carry-out.ts';
import { createRecordDecided } from './decided.ts';
import { whyOver } from './over.ts';
import { createReleases } from './releases.ts';
import { createSweep } from './sweep.ts';

/** Milliseconds between two looks: what is decided in the dashboard is carried out within 1 s. */
const LOOK_INTERVAL = 500;

/** Looks between two at the alerts of all questions (5 s), and at questions whose Job is gone (30 s). */
const LOOKS_PER_ALERT = 10;
const LOOKS_PER_SWEEP = 60;

/**
 * Asks people about the Jobs that wait for them, and does what they decide. All of it follows from the watch
 * and from Redis: whichever worker is killed, another goes on.
 *
 * @param end tells that a Job is over, see createJobEnding
 * @param interval milliseconds between two looks
 * @returns what stops it
 */
export function startApprovals(
  approvals: Approvals,
  end: (job: EndedJob) => Promise<void>,
  interval = LOOK_INTERVAL,
): () => void {
  const { cluster, redis, memory, settings, watch, log } = approvals;
  const { prefix } = settings;
  const ask = createAsk(approvals);
  const record = createRecordDecided(approvals);
  const releases = createReleases(approvals);
  const carryOut = createCarryOut(approvals, releases);
  const sweep = createSweep(approvals, end);
  const decideScript = script(redis, DECIDE);
  /** By uid: those asked about, and those decided. */
  const asked = new Set<string>();
  const decided = new Set<string>();
  let looks = 0;

  const look = async (): Promise<void> => {
    const jobs = [...cluster.jobs.asked()];
    const turn = looks++;
    forget(jobs);
    if (turn % LOOKS_PER_SWEEP === 0) await sweep();
    const open = jobs.filter(({ uid }) => !decided.has(uid));
    if (open.length === 0) return;
    if (turn % LOOKS_PER_ALERT === 0) await forgetLost();
    const now = await memory.now();
    const standing = await settle(open, now);
    if (standing.length === 0) return;
    await endWhatIsOver(standing, now, turn % LOOKS_PER_ALERT === 0);
    const wishes = await redis.hgetall(approvalsKey(prefix));
    await Promise.all(standing.map((job) => carryOutOne(job, wishes[job.uid], now)));
  };
  /** Asks about those that wait, and records those that do no more. @returns those that wait */
  const settle = async (open: readonly AskedJob[], now: number): Promise<AskedJob[]> => {
    const standing: AskedJob[] = [];
    for (const job of open) if (await stands(job, now)) standing.push(job);
    return standing;
  };
  const forget = (jobs: readonly AskedJob[]): void => {
    const uids = new Set(jobs.map(({ uid }) => uid));
    for (const known of [asked, decided]) {
      for (const uid of known) if (!uids.has(uid)) known.delete(uid);
    }
  };
  /** Redis may have lost the questions: they are asked again. */
  const forgetLost = async (): Promise<void> => {
    for (const uid of asked) {
      if ((await redis.hexists(askedKey(prefix), uid)) === 0) asked.delete(uid);
    }
  };
  /** Whether it waits for an answer. */
  const stands = async (job: AskedJob, now: number): Promise<boolean> => {
    const { uid } = job;
    if (!job.isWaiting) {
      // By kubectl it has taken nothing yet. Before it is recorded: then it counts as done.
      await releases.take(job, true);
      await record(job);
      decided.add(uid);
      return false;
    }
    if (asked.has(uid)) return true;
    const isOpen = await ask(job, now);
    (isOpen ? asked : decided).add(uid);
    return isOpen;
  };
  const endWhatIsOver = async (
    standing: readonly AskedJob[],
    now: number,
    looksAtAlerts: boolean,
  ): Promise<void> => {
    for (const job of standing) {
      const isDue = job.until <= now || looksAtAlerts;
      const decision = isDue ? await whyOver(job, approvals, now) : undefined;
      if (decision === undefined) continue;
      const { keys, args } = decideInput(prefix, job.uid, { decision, by: '', at: now });
      await decideScript(keys, args);
    }
  };
  const carryOutOne = async (
    job: AskedJob,
    wish: string | undefined,
    now: number,
  ): Promise<void> => {
    if (wish === undefined) return;
    await carryOut(job, wish, now).catch(failed);
  };
  const failed = (error: unknown): void => {
    if (watch.note(error)) return;
    log.warn({ err: error }, 'Jobs that wait for a person were not looked at, will be retried');
  };
  // What a stale watch does not show may have happened.
  const isBlocked = (): boolean => cluster.blocked() !== undefined;
  return startLooking(redis, { look, failed, interval, isBlocked });
}

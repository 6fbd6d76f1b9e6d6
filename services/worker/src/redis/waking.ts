import type { Queue } from 'bullmq';

/** Has remediations that are held tried now. */
export interface Waking {
  /**
   * Those that a script called, and where one was removed, or is active already, the next.
   *
   * @param next has the script's answer who they are
   */
  wake(called: unknown, next: () => Promise<unknown>): Promise<void>;
  /** @returns false where it is no longer held */
  promote(remediation: string): Promise<boolean>;
}

export function createWaking(queue: Queue): Waking {
  const promote = async (remediation: string): Promise<boolean> => {
    try {
      const job = await queue.getJob(remediation);
      await job?.promote();
      return job !== undefined;
    } catch {
      // Not delayed, or Redis is unreachable: then it is tried when its delay is over.
      return false;
    }
  };
  const promoteAll = async (answer: unknown): Promise<boolean> => {
    const ids: readonly unknown[] = Array.isArray(answer) ? answer : [];
    const promoted = await Promise.all(ids.map((id) => promote(String(id))));
    return promoted.every(Boolean);
  };
  return {
    promote,
    async wake(called, next) {
      let answer = called;
      while (!(await promoteAll(answer))) answer = await next();
    },
  };
}

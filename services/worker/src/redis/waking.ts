import type { Queue } from 'bullmq';

/** Has remediations that are held tried now. */
export interface Waking {
  /**
   * The one that was called, and where it was removed, or is active already, the next.
   *
   * @param first what a script called; nothing where it is no text, or an empty one
   */
  wake(first: unknown, next: () => Promise<unknown>): Promise<void>;
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
  return {
    promote,
    async wake(first, next) {
      let called = first;
      while (typeof called === 'string' && called !== '' && !(await promote(called))) {
        called = await next();
      }
    },
  };
}

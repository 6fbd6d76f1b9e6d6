import type { Trouble } from '../identity/trouble.ts';
import { MEMORY_TTL, type Memory, MOST_CREATIONS } from '../redis/memory.ts';

/** The latest Job of a trouble, and when the ones before it were created. */
interface Remembered extends Memory {
  /** Milliseconds, as all times here. */
  readonly expires: number;
  readonly creations: readonly number[];
}

/** The memory of all troubles, as redis/memory.ts keeps it. */
export interface Memories {
  of(troubleKey: string): Remembered | undefined;
  /** A Job was created. */
  remember(job: string, trouble: Trouble, remediation: string): void;
  /** The trouble of this Job was seen again: its memory lives the full time from now. */
  touch(job: string | undefined): void;
}

export function createMemories(now: () => number): Memories {
  const memories = new Map<string, Remembered>();
  const of = (troubleKey: string): Remembered | undefined => {
    const memory = memories.get(troubleKey);
    return memory !== undefined && memory.expires > now() ? memory : undefined;
  };
  return {
    of,
    remember(job, { troubleKey, episode }, remediation) {
      const at = now();
      const creations = [...(of(troubleKey)?.creations ?? []), at].slice(-MOST_CREATIONS);
      const times = { createdAfter: at, createdAt: at, expires: at + MEMORY_TTL, creations };
      memories.set(troubleKey, { episode, remediation, job, ...times });
    },
    touch(job) {
      for (const [key, memory] of memories) {
        if (memory.job === job) memories.set(key, { ...memory, expires: now() + MEMORY_TTL });
      }
    },
  };
}

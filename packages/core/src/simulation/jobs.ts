import type { Counts } from '../decisions/limits.ts';

/** A Job of the simulation. */
export interface SimulatedJob {
  readonly operarius: string;
  readonly dedupKey: string;
  /** It was created suspended, and waits for a person. */
  readonly asked: boolean;
  /** Milliseconds. */
  readonly startedAt: number;
  /** The digest of what it works on. */
  readonly target: string | undefined;
  finished: boolean;
}

/** The Jobs of the cluster, and what the limits count of them. */
export interface SimulatedJobs {
  add(name: string, job: Omit<SimulatedJob, 'startedAt' | 'finished'>): void;
  get(name: string): SimulatedJob | undefined;
  /** In the order in which they were created. */
  unfinished(): readonly SimulatedJob[];
  readonly counts: Counts;
  /** The unfinished Job that works on a target, by its digest. */
  holderOf(target: string): string | undefined;
}

export function createJobs(now: () => number): SimulatedJobs {
  const jobs = new Map<string, SimulatedJob>();
  const unfinished = (): SimulatedJob[] => [...jobs.values()].filter(({ finished }) => !finished);
  const of = (all: Iterable<SimulatedJob>, operarius?: string): SimulatedJob[] =>
    [...all].filter((job) => operarius === undefined || job.operarius === operarius);
  const running = (all: Iterable<SimulatedJob>): SimulatedJob[] =>
    [...all].filter(({ asked }) => !asked);
  return {
    add: (name, job) => void jobs.set(name, { ...job, startedAt: now(), finished: false }),
    get: (name) => jobs.get(name),
    unfinished,
    counts: {
      // One that waits for a person counts for its operarius alone.
      unfinished: (operarius) =>
        operarius === undefined ? running(unfinished()).length : of(unfinished(), operarius).length,
      started: (within, operarius) =>
        running(of(jobs.values(), operarius)).filter(({ startedAt }) => startedAt > now() - within)
          .length,
    },
    holderOf: (target) => [...jobs].find(([, job]) => !job.finished && job.target === target)?.[0],
  };
}

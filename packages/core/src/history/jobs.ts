import { isAsNew } from './kept.ts';
import type { JobFate, OfJob } from './row.ts';

/** A Job, and the occurrences that it stands for: nearly always one. */
interface Job<User> {
  now: JobFate;
  user: User | undefined;
  others: Set<User> | undefined;
}

/** What entries say of a Job: of each kind the newest counts. */
const PARTS = ['asked', 'decided', 'fate', 'effect'] as const;
type Part = (typeof PARTS)[number];

/** All that entries say of a Job, as far as it is known. */
export const partsOf = (job: JobFate): readonly OfJob[] =>
  PARTS.map((part) => job[part]).filter((known) => known !== undefined);

/**
 * The Jobs that ends name and that other entries are about, whichever comes first. What is said of a Job that
 * no end names shows nowhere.
 */
export class Jobs<User> {
  readonly #jobs = new Map<string, Job<User>>();

  get(name: string): JobFate | undefined {
    return this.#jobs.get(name)?.now;
  }

  /** Notes that an end of this occurrence names the Job. */
  use(name: string, user: User): void {
    const job = this.#jobOf(name);
    job.user ??= user;
    if (job.user === user) return;
    job.others ??= new Set();
    job.others.add(user);
  }

  leave(name: string, user: User): void {
    const job = this.#jobs.get(name);
    if (job === undefined) return;
    job.others?.delete(user);
    if (job.user === user) {
      const [next] = job.others ?? [];
      job.user = next;
    }
    this.#forgetUnused(name, job);
  }

  /** Notes what an entry says of a Job. @returns who names it, none where a newer entry of its kind is known */
  tell<P extends Part>(name: string, part: P, told: NonNullable<JobFate[P]>): readonly User[] {
    const job = this.#jobOf(name);
    if (isAsNew(job.now[part], told.entry)) return [];
    job.now = { ...job.now, [part]: told };
    return usersOf(job);
  }

  /** Forgets what is older than an entry. @returns who names their Jobs */
  trim(oldest: string): readonly User[] {
    const users: User[] = [];
    for (const [name, job] of this.#jobs) {
      const now = trimmed(job.now, oldest);
      if (now === job.now) continue;
      job.now = now;
      users.push(...usersOf(job));
      this.#forgetUnused(name, job);
    }
    return users;
  }

  #jobOf(name: string): Job<User> {
    const known = this.#jobs.get(name);
    if (known !== undefined) return known;
    const job: Job<User> = { now: { name, ...NOTHING }, user: undefined, others: undefined };
    this.#jobs.set(name, job);
    return job;
  }

  #forgetUnused(name: string, { now, user }: Job<User>): void {
    if (user === undefined && partsOf(now).length === 0) this.#jobs.delete(name);
  }
}

const NOTHING = { asked: undefined, decided: undefined, fate: undefined, effect: undefined };

/** The same where nothing of it is older. */
function trimmed(now: JobFate, oldest: string): JobFate {
  const old = PARTS.filter((part) => now[part] !== undefined && !isAsNew(now[part], oldest));
  if (old.length === 0) return now;
  return { ...now, ...Object.fromEntries(old.map((part) => [part, undefined])) };
}

function usersOf<User>({ user, others }: Job<User>): readonly User[] {
  return user === undefined ? [] : [...new Set([user, ...(others ?? [])])];
}

import { isAsNew } from './kept.ts';
import type { JobFate } from './row.ts';

/** A Job, and the occurrences that it stands for: nearly always one. */
interface Job<User> {
  now: JobFate;
  user: User | undefined;
  others: Set<User> | undefined;
}

/**
 * The Jobs that ends name and that fates are told of, whichever comes first. A fate whose Job no end
 * names shows nowhere.
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

  /** A Job has ended. @returns who names it, none where a newer end is known */
  end(ended: JobFate): readonly User[] {
    const job = this.#jobOf(ended.name);
    if (isAsNew(job.now.fate, ended.fate?.entry ?? '')) return [];
    job.now = { ...ended, name: job.now.name };
    return usersOf(job);
  }

  /** Forgets fates older than an entry. @returns who names their Jobs */
  trim(oldest: string): readonly User[] {
    const users: User[] = [];
    for (const [name, job] of this.#jobs) {
      if (job.now.fate === undefined || isAsNew(job.now.fate, oldest)) continue;
      job.now = unfinished(job.now.name);
      users.push(...usersOf(job));
      this.#forgetUnused(name, job);
    }
    return users;
  }

  #jobOf(name: string): Job<User> {
    const known = this.#jobs.get(name);
    if (known !== undefined) return known;
    const job: Job<User> = { now: unfinished(name), user: undefined, others: undefined };
    this.#jobs.set(name, job);
    return job;
  }

  #forgetUnused(name: string, { now, user }: Job<User>): void {
    if (user === undefined && now.fate === undefined) this.#jobs.delete(name);
  }
}

const unfinished = (name: string): JobFate => ({ name, fate: undefined, createdAt: undefined });

function usersOf<User>({ user, others }: Job<User>): readonly User[] {
  return user === undefined ? [] : [...new Set([user, ...(others ?? [])])];
}

import { isAsNew } from './kept.ts';
import type { JobEffect, JobEnd, JobFate } from './row.ts';

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
  end(name: string, fate: JobEnd, createdAt: number): readonly User[] {
    const job = this.#jobOf(name);
    if (isAsNew(job.now.fate, fate.entry)) return [];
    job.now = { ...job.now, fate, createdAt };
    return usersOf(job);
  }

  /** It was judged whether it helped. @returns who names it, none where a newer judgement is known */
  judge(name: string, effect: JobEffect): readonly User[] {
    const job = this.#jobOf(name);
    if (isAsNew(job.now.effect, effect.entry)) return [];
    job.now = { ...job.now, effect };
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
    const job: Job<User> = { now: unfinished(name), user: undefined, others: undefined };
    this.#jobs.set(name, job);
    return job;
  }

  #forgetUnused(name: string, { now, user }: Job<User>): void {
    if (user === undefined && now.fate === undefined && now.effect === undefined) {
      this.#jobs.delete(name);
    }
  }
}

const unfinished = (name: string): JobFate => ({
  ...{ name, fate: undefined, createdAt: undefined, effect: undefined },
});

/** The same where nothing of it is older. */
function trimmed(now: JobFate, oldest: string): JobFate {
  const isOld = (known: JobEnd | JobEffect | undefined): boolean =>
    known !== undefined && !isAsNew(known, oldest);
  const { name, fate, createdAt, effect } = now;
  if (!isOld(fate) && !isOld(effect)) return now;
  return {
    name,
    ...(isOld(fate) ? { fate: undefined, createdAt: undefined } : { fate, createdAt }),
    effect: isOld(effect) ? undefined : effect,
  };
}

function usersOf<User>({ user, others }: Job<User>): readonly User[] {
  return user === undefined ? [] : [...new Set([user, ...(others ?? [])])];
}

import {
  type CommonLimits,
  type Counts,
  isFull,
  limitReached,
  type Reached,
} from '../decisions/limits.ts';
import type { Operarius } from '../operarius/operarius.ts';
import type { Remediation } from '../redis/remediation.ts';
import type { Waiting } from './waiting.ts';

/** What a remediation needs before its Job is created. */
export interface Wish {
  readonly operarius: Operarius;
  /** Its Job waits for a person. */
  readonly asks: boolean;
  /** The digest of what its Job works on. */
  readonly target: string | undefined;
}

/** Who is called, as the scripts of Redis call them. Undefined where nobody waits. */
export interface Calls {
  /** In the stead of one that a limit holds, which waits from now on. */
  insteadOfHeld(wish: Wish, remediation: Remediation): (string | undefined)[];
  /** In the stead of one that took all it needs, or found a limit, and is too late. */
  insteadOfLate(wish: Wish): (string | undefined)[];
}

/** Then nobody else can be started either. */
const isOfAll = (reached: Reached): boolean =>
  reached.reason === 'max-active-jobs' || (reached.reason === 'max-runs' && reached.ofAll);

export function createCalls(
  limits: CommonLimits,
  known: {
    readonly counts: Counts;
    readonly holderOf: (target: string) => string | undefined;
  },
  waiting: Waiting,
): Calls {
  const { counts } = known;
  const isBusy = ({ target }: Wish): boolean =>
    target !== undefined && known.holderOf(target) !== undefined;
  const limitOf = (wish: Wish): Reached | undefined =>
    limitReached({ ...wish, isBusy: isBusy(wish) }, limits, counts);
  const forTarget = ({ target, asks }: Wish): string | undefined =>
    target === undefined || asks ? undefined : waiting.nextFor(target);
  const isAllFull = ({ asks }: Wish): boolean =>
    !asks && isFull(limits.maxActiveJobs, counts.unfinished());
  const isOwnFull = ({ operarius: { name, policy } }: Wish): boolean =>
    isFull(policy.maxActive, counts.unfinished(name));
  const forAll = (wish: Wish): string | undefined =>
    isAllFull(wish) ? undefined : waiting.nextOfAll();
  const forOwn = (wish: Wish): string | undefined =>
    isAllFull(wish) || isOwnFull(wish) ? undefined : waiting.nextOwn(wish.operarius.name);
  const instead = (reached: Reached, wish: Wish): (string | undefined)[] => {
    if (isOfAll(reached)) return [];
    if (reached.reason === 'target') return [forOwn(wish), forAll(wish)];
    return [forAll(wish), isBusy(wish) ? undefined : forTarget(wish)];
  };
  const wait = (reached: Reached, wish: Wish, { id, receivedAt }: Remediation): void => {
    const { reason } = reached;
    if (reason === 'max-active-jobs') waiting.add(id, receivedAt);
    if (reason === 'max-active') waiting.addOwn(wish.operarius.name, id, receivedAt);
    if (reason === 'target' && wish.target) waiting.addFor(wish.target, id, receivedAt);
  };
  return {
    insteadOfHeld(wish, remediation) {
      const reached = limitOf(wish);
      if (reached === undefined) return [];
      wait(reached, wish, remediation);
      return instead(reached, wish);
    },
    insteadOfLate(wish) {
      const reached = limitOf(wish);
      if (reached !== undefined) return instead(reached, wish);
      const { name, policy } = wish.operarius;
      const hasPlaces = policy.maxActive + limits.maxActiveJobs > 0;
      return [forTarget(wish), hasPlaces ? waiting.next(name) : undefined];
    },
  };
}

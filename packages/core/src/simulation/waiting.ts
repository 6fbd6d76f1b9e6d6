/** The remediations that wait for a place, as the sets `waiting` and `waiting:<operarius>` in Redis. */
export interface Waiting {
  add(remediation: string, receivedAt: number): void;
  /** Waits for a place of its operarius. */
  addOwn(operarius: string, remediation: string, receivedAt: number): void;
  remove(remediation: string): void;
  /** Takes the one that is called for a place of this operarius: first one of its own. */
  next(operarius: string): string | undefined;
  /** The same for a place that its operarius cannot use. */
  nextOfAll(): string | undefined;
}

export function createWaiting(): Waiting {
  const all = new Map<string, number>();
  const own = new Map<string, Map<string, number>>();
  const pop = (set: Map<string, number> | undefined): string | undefined => {
    const [first] = [...(set ?? [])].sort(([a, at], [b, bt]) => at - bt || (a < b ? -1 : 1));
    if (first !== undefined) set?.delete(first[0]);
    return first?.[0];
  };
  return {
    add: (remediation, receivedAt) => void all.set(remediation, receivedAt),
    addOwn(operarius, remediation, receivedAt) {
      const set = own.get(operarius) ?? new Map<string, number>();
      own.set(operarius, set.set(remediation, receivedAt));
    },
    remove(remediation) {
      for (const set of [all, ...own.values()]) set.delete(remediation);
    },
    next: (operarius) => pop(own.get(operarius)) ?? pop(all),
    nextOfAll: () => pop(all),
  };
}

/** The remediations that wait, as the sets `waiting`, `waiting:<operarius>` and `waiting:target:<digest>` in Redis. */
export interface Waiting {
  add(remediation: string, receivedAt: number): void;
  /** Waits for a place of its operarius. */
  addOwn(operarius: string, remediation: string, receivedAt: number): void;
  /** Waits for a target. */
  addFor(target: string, remediation: string, receivedAt: number): void;
  remove(remediation: string): void;
  /** Takes the one that is called for a place of this operarius: first one of its own. */
  next(operarius: string): string | undefined;
  /** One of its own only. */
  nextOwn(operarius: string): string | undefined;
  /** The same for a place that its operarius cannot use. */
  nextOfAll(): string | undefined;
  /** The same for a target. */
  nextFor(target: string): string | undefined;
}

export function createWaiting(): Waiting {
  const all = new Map<string, number>();
  const own = new Map<string, Map<string, number>>();
  const targets = new Map<string, Map<string, number>>();
  const addTo = (
    sets: Map<string, Map<string, number>>,
    [key, remediation, receivedAt]: [string, string, number],
  ): void => {
    const set = sets.get(key) ?? new Map<string, number>();
    sets.set(key, set.set(remediation, receivedAt));
  };
  const pop = (set: Map<string, number> | undefined): string | undefined => {
    const [first] = [...(set ?? [])].sort(([a, at], [b, bt]) => at - bt || (a < b ? -1 : 1));
    if (first !== undefined) set?.delete(first[0]);
    return first?.[0];
  };
  return {
    add: (remediation, receivedAt) => void all.set(remediation, receivedAt),
    addOwn: (...entry) => addTo(own, entry),
    addFor: (...entry) => addTo(targets, entry),
    remove(remediation) {
      for (const set of [all, ...own.values(), ...targets.values()]) set.delete(remediation);
    },
    next: (operarius) => pop(own.get(operarius)) ?? pop(all),
    nextOwn: (operarius) => pop(own.get(operarius)),
    nextOfAll: () => pop(all),
    nextFor: (target) => pop(targets.get(target)),
  };
}

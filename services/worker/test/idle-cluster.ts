import type { Cluster } from '@openfero/cluster/cluster';

/** What the Jobs of a test's own cluster do not do: they end, and have pods, only as the test says. */
export const IDLE_JOBS = {
  unfinished: () => ({ age: 0, jobs: [] }),
  canWait: true,
  onEnd: () => {},
  ended: () => [],
  asked: () => [],
  release: async () => {},
  remove: async () => {},
  withoutPods: () => [],
  whyNoPods: async () => undefined,
} satisfies Partial<Cluster['jobs']>;

/** The rest of such a cluster, which no attempt asks for anything. */
export const IDLE_CLUSTER = {
  events: { record() {} },
  blocked: () => undefined,
  watchAges: () => ({}),
  ping: async () => {},
  close: async () => {},
} satisfies Partial<Cluster>;

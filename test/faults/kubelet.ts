import { setTimeout as sleep } from 'node:timers/promises';
import { at, type Cluster, endJob, itemsOf, jobsPath } from '@openfero/testkit/controlplane';
import { NAMESPACE } from './operarii.ts';

/** Completes Jobs in place of nodes and the Job controller, and records when. */
export interface Kubelet {
  /** Milliseconds since 1970, by Job. */
  readonly finishedAt: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

const UNFINISHED = '?fieldSelector=status.successful%3D0&limit=500';

/** Milliseconds between two looks. */
const LOOK = 300;

/** Looks after which a Job completes, plus up to two depending on its name. */
const LOOKS = 2;

export function startKubelet(
  { request }: Pick<Cluster, 'request'>,
  namespace = NAMESPACE,
): Kubelet {
  const jobs = jobsPath(namespace);
  const finishedAt = new Map<string, number>();
  const seen = new Map<string, number>();
  const stopping = new AbortController();

  const look = async (): Promise<void> => {
    const names = namesOf((await request('GET', jobs + UNFINISHED)).body);
    await Promise.all(names.map(live));
  };
  const live = async (name: string): Promise<void> => {
    const looks = (seen.get(name) ?? 0) + 1;
    seen.set(name, looks);
    if (looks < LOOKS + (name.charCodeAt(name.length - 1) % 3)) return;
    if (await endJob({ request }, { namespace, name })) finishedAt.set(name, Date.now());
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      // The API server is down.
      await look().catch(() => undefined);
      await sleep(LOOK);
    }
  };
  const running = run();
  return {
    finishedAt,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** All Jobs of the namespace. */
export async function allJobs(
  { request }: Pick<Cluster, 'request'>,
  namespace = NAMESPACE,
): Promise<unknown[]> {
  const jobs: unknown[] = [];
  let next = '';
  do {
    const { body } = await request('GET', `${jobsPath(namespace)}?limit=500&continue=${next}`);
    jobs.push(...itemsOf(body));
    next = encodeURIComponent(String(at(body, 'metadata', 'continue') ?? ''));
  } while (next !== '');
  return jobs;
}

function namesOf(list: unknown): string[] {
  return itemsOf(list)
    .filter((job) => at(job, 'status', 'completionTime') === undefined)
    .map((job) => String(at(job, 'metadata', 'name')));
}

import type { Logger } from '@openfero/service/log';
import { ClusterError } from '../../cluster.ts';
import type { Api } from '../http/api.ts';
import type { Query } from '../http/target.ts';
import type { Timing } from '../timing.ts';
import { pause } from '../waiting.ts';
import { applyEvent, type ObjectCache, type Page, parseItems, parsePage } from './changes.ts';
import { createWatchHealth, isSilence, type WatchHealth } from './health.ts';
import { splitLines } from './lines.ts';

/** Objects of one kind in one namespace. */
export interface Resource {
  /** For messages: `ConfigMaps in namespace jobs`. */
  readonly title: string;
  readonly path: string;
  /** labelSelector or fieldSelector. */
  readonly selector: Query;
}

export interface WatchDependencies {
  readonly api: Api;
  readonly timing: Timing;
  readonly log: Logger;
}

export interface Watch extends Pick<WatchHealth, 'age' | 'problem'> {
  /** Resolves when the cache holds all objects for the first time. */
  readonly listed: Promise<void>;
  /** @returns when nothing runs any more; a list only ends when the API is closed */
  close(): Promise<void>;
}

/** Objects per page: what the server sends at once, and what is held whole at once. */
const PAGE_SIZE = 500;

/** Bytes. etcd stores no object over 1.5 MiB; as JSON it may be a few times longer. */
const MAX_LINE = 16 * 1024 * 1024;

/** Milliseconds. A watch that ends sooner has failed, even without an error (client-go's bound). */
const SHORT_WATCH = 1000;

/** Milliseconds. The longest `Retry-After` that a watch follows. */
const MAX_RETRY_AFTER = 10_000;

/**
 * Keeps a cache in sync with the objects of an API server until it is closed: a list, then a watch
 * from there. After a regular end, a silence or a refusal the watch continues from its last event.
 *
 * Modelled on client-go's reflector, with one difference: a broken connection always leads to a new
 * list. The API server may have come back with an older etcd, where a watch from a version of before
 * would wait for ever.
 */
export function createWatch<T>(
  resource: Resource,
  cache: ObjectCache<T>,
  dependencies: WatchDependencies,
): Watch {
  const { api, timing, log } = dependencies;
  const closing = new AbortController();
  const firstList = Promise.withResolvers<void>();
  const health = createWatchHealth(resource.title, timing, log);
  /** The cache is complete up to here; undefined where the objects have to be listed. */
  let version: string | undefined;

  const listAndWatch = async (): Promise<void> => {
    if (version === undefined) {
      version = await fillCache(cache, resource, api);
      health.confirm();
      firstList.resolve();
    }
    const query = watchQuery(resource, version, timing);
    const bytes = await api.watch(resource.path, query, closing.signal);
    health.confirm();
    health.recordRecovery();
    for await (const line of splitLines(bytes, MAX_LINE)) {
      version = applyEvent(line, cache);
      health.confirm();
    }
  };
  /** @returns the error that ended it */
  const runOnce = async (): Promise<unknown> => {
    try {
      await listAndWatch();
      return undefined;
    } catch (error) {
      if (closing.signal.aborted) return undefined;
      if (!canResume(error)) version = undefined;
      health.recordFailure(error);
      return error;
    }
  };
  const run = async (): Promise<void> => {
    let failures = 0;
    while (!closing.signal.aborted) {
      const began = performance.now();
      const error = await runOnce();
      const hasWorked = health.isHealthy() && performance.now() - began > SHORT_WATCH;
      failures = hasWorked ? 0 : failures + 1;
      await pause(Math.max(backoff(failures, timing), retryAfterOf(error)), closing.signal);
    }
  };
  const running = run();

  return {
    age: health.age,
    problem: health.problem,
    listed: firstList.promise,
    close() {
      closing.abort();
      return running;
    },
  };
}

/** @returns the resourceVersion of the list */
async function fillCache<T>(
  cache: ObjectCache<T>,
  { selector, path }: Resource,
  api: Api,
): Promise<string> {
  const all: T[] = [];
  let page: Page | undefined;
  do {
    const query = {
      ...selector,
      limit: String(PAGE_SIZE),
      ...(page !== undefined && { continue: page.next }),
    };
    page = parsePage(await api.read('list', path, query));
    all.push(...parseItems(page, cache));
  } while (page.next !== '');
  cache.replace(all);
  return page.version;
}

function watchQuery({ selector }: Resource, version: string, timing: Timing): Query {
  const [shortest, longest] = timing.watch;
  const ms = shortest + Math.random() * (longest - shortest);
  return {
    ...selector,
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: version,
    timeoutSeconds: String(Math.ceil(ms / 1000)),
  };
}

/** Whether the watch can continue from its last event: it was refused, or silent for too long. */
function canResume(error: unknown): boolean {
  if (isSilence(error)) return true;
  return error instanceof ClusterError && error.status !== undefined && error.status !== 410;
}

/** Milliseconds, the upper half of them random: workers that failed together retry apart. */
function backoff(failures: number, { backoff: [first, longest] }: Timing): number {
  return Math.min(longest, first * 2 ** failures) * (0.5 + Math.random() / 2);
}

/** Milliseconds that the server asked to wait. */
function retryAfterOf(error: unknown): number {
  const requested = error instanceof ClusterError ? error.retryAfter : undefined;
  return Math.min(requested ?? 0, MAX_RETRY_AFTER);
}

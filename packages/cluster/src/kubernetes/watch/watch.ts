import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@openfero/core/errors';
import type { Logger } from '@openfero/service/log';
import { ClusterError } from '../../cluster.ts';
import type { Api } from '../http/api.ts';
import type { Query } from '../http/calls.ts';
import type { Timing } from '../http/timing.ts';
import { apply, kept, Lost, type Page, pageOf, type Store } from './changes.ts';
import { lines } from './lines.ts';

/** Objects of one kind in one namespace. */
export interface Source {
  /** For people: `ConfigMaps in namespace jobs`. */
  readonly title: string;
  readonly path: string;
  /** labelSelector or fieldSelector. */
  readonly selector: Query;
}

export interface Means {
  readonly api: Api;
  readonly timing: Timing;
  readonly log: Logger;
}

export interface Watch {
  /** Seconds since the store was last known to be up to date; Infinity before the first list. */
  age(): number;
  /** Why nothing may be decided from the store now, or undefined. Changes only with the reason. */
  problem(): string | undefined;
  /** When the store held all objects for the first time. */
  readonly listed: Promise<void>;
  /** @returns when nothing is under way any more; the API must be closed for a list to end */
  close(): Promise<void>;
}

/** Objects per page: what a server sends at once, and what is held at once before `read`. */
const PAGE = 500;

/** Bytes. etcd keeps no object over 1.5 MiB; as JSON it may be a few times longer. */
const LONGEST_LINE = 16 * 1024 * 1024;

/** Milliseconds. A watch that ends sooner is no orderly one, however it ends (client-go's bound). */
const SHORT_WATCH = 1000;

/**
 * Keeps a store like the objects of an API server for as long as it runs: a list, then a watch from
 * there on, and on from its last event after an orderly end, a silence or a refusal.
 *
 * After client-go's reflector. Unlike there, a broken connection always leads to a new list: behind
 * it an API server may have come back with an older etcd, where a watch from before waits for ever.
 */
export function watch<T>(source: Source, store: Store<T>, means: Means): Watch {
  const closing = new AbortController();
  const first = Promise.withResolvers<void>();
  const life = lifeOf(source, means);
  /** Up to here the store knows all; undefined where it has to be listed. */
  let version: string | undefined;

  const turn = async (): Promise<void> => {
    if (version === undefined) {
      version = await listInto(store, source, means);
      life.proven();
      first.resolve();
    }
    const bytes = await means.api.watch(
      source.path,
      watchQuery(source, version, means),
      closing.signal,
    );
    life.proven();
    life.recovered();
    for await (const line of lines(bytes, LONGEST_LINE)) {
      version = apply(line, store);
      life.proven();
    }
  };
  const attempt = async (): Promise<unknown> => {
    try {
      await turn();
      return undefined;
    } catch (error) {
      if (closing.signal.aborted) return undefined;
      if (!isResumable(error)) version = undefined;
      life.failed(error);
      return error;
    }
  };
  const run = async (): Promise<void> => {
    let failures = 0;
    while (!closing.signal.aborted) {
      const began = performance.now();
      const error = await attempt();
      const isOrderly = life.isWell() && performance.now() - began > SHORT_WATCH;
      failures = isOrderly ? 0 : failures + 1;
      const wait = Math.max(backoff(failures, means.timing), askedOf(error));
      await sleep(wait, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  };
  const running = run();

  return {
    age: life.age,
    problem: life.problem,
    listed: first.promise,
    close() {
      closing.abort();
      return running;
    },
  };
}

/** @returns the version of the list */
async function listInto<T>(store: Store<T>, source: Source, { api }: Means): Promise<string> {
  const all: T[] = [];
  let page: Page | undefined;
  do {
    const query = {
      ...source.selector,
      limit: String(PAGE),
      ...(page !== undefined && { continue: page.next }),
    };
    page = pageOf(await api.read('list', source.path, query));
    all.push(...kept(page, store));
  } while (page.next !== '');
  store.replace(all);
  return page.version;
}

function watchQuery({ selector }: Source, version: string, { timing }: Means): Query {
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

/** What is known of a watch, and since when. */
function lifeOf({ title }: Source, { timing, log }: Means) {
  let provenAt = Number.NEGATIVE_INFINITY;
  let provenDate: string | undefined;
  let error: string | undefined;
  const age = (): number => (performance.now() - provenAt) / 1000;
  return {
    age,
    isWell: () => error === undefined,
    proven() {
      provenAt = performance.now();
      provenDate = new Date().toISOString();
    },
    recovered() {
      if (error !== undefined) log.info(`watching the ${title} again`);
      error = undefined;
    },
    failed(reason: unknown) {
      if (isSilence(reason) || (reason instanceof Lost && reason.expired)) return;
      const message = describe(reason);
      if (message !== error) log.warn(`cannot watch the ${title}: ${message}`);
      error = message;
    },
    problem() {
      const because = error === undefined ? '' : `: ${error}`;
      if (provenDate === undefined) return `the list of ${title} is not complete yet${because}`;
      if (age() * 1000 <= timing.stale) return undefined;
      return `nothing was heard of the ${title} since ${provenDate}${because}`;
    },
  };
}

/** What to look at first, after what was said. */
function describe(reason: unknown): string {
  const message = messageOf(reason);
  const status = reason instanceof ClusterError ? reason.status : undefined;
  if (status === 403) return `${message}: check the worker's Role and RoleBinding`;
  return status === 401 ? `${message}: check the worker's token or certificate` : message;
}

/** Whether the watch can go on from its last event: it was refused, or nobody said anything. */
function isResumable(reason: unknown): boolean {
  if (isSilence(reason)) return true;
  return reason instanceof ClusterError && reason.status !== undefined && reason.status !== 410;
}

function isSilence(reason: unknown): boolean {
  return reason instanceof Error && 'code' in reason && reason.code === 'UND_ERR_BODY_TIMEOUT';
}

/** Milliseconds, with jitter over the upper half: workers that failed together do not come together. */
function backoff(failures: number, { backoff: [first, longest] }: Timing): number {
  return Math.min(longest, first * 2 ** failures) * (0.5 + Math.random() / 2);
}

/** Milliseconds that a server may make a watch wait. */
const LONGEST_ASKED = 10_000;

function askedOf(error: unknown): number {
  const asked = error instanceof ClusterError ? error.retryAfter : undefined;
  return Math.min(asked ?? 0, LONGEST_ASKED);
}

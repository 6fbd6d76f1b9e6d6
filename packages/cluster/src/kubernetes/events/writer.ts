import { randomBytes } from 'node:crypto';
import { ClusterError } from '../../cluster.ts';
import { pause } from '../waiting.ts';
import type { Series } from './correlator.ts';
import { createLru } from './lru.ts';
import { manifestOf, patchOf } from './manifest.ts';

/** The two calls of the API that Events need. */
export interface EventCalls {
  /** @throws {ClusterError} */
  create(path: string, query: Readonly<Record<string, string>>, object: unknown): Promise<unknown>;
  /** Sends a JSON merge patch. @throws {ClusterError} */
  patch(path: string, query: Readonly<Record<string, string>>, patch: unknown): Promise<unknown>;
}

/** Attempts at one write. */
const MAX_ATTEMPTS = 3;

/** Milliseconds. A longer `Retry-After` would delay the Events of all other ConfigMaps. */
const MAX_RETRY_AFTER = 10_000;

/** Names of Events in the cache. A series whose name was dropped gets another Event. */
const CACHE_SIZE = 4096;

/** An Event on the server. A series that starts again under the same key gets another one. */
interface WrittenEvent {
  readonly name: string;
  readonly first: number;
}

/**
 * Writes each series as one Event: the first write creates it, later ones patch it.
 *
 * @param instance name of this worker
 * @returns a function that writes a series, and throws a ClusterError where that failed
 */
export function createEventWriter(
  calls: EventCalls,
  instance: string,
  retry: Retry,
): (series: Series) => Promise<void> {
  const written = createLru<WrittenEvent>(CACHE_SIZE);

  const create = async (series: Series): Promise<void> => {
    const event = manifestOf(series, instance, randomBytes(8).toString('hex'));
    const path = pathOf(series);
    // A retry finds the Event of a create whose response was lost.
    await withRetries(
      () => calls.create(path, {}, event).catch(ignoreReason('AlreadyExists')),
      retry,
    );
    written.set(series.key, { name: event.metadata.name, first: series.first });
  };
  return async (series) => {
    const before = written.get(series.key);
    if (before?.first !== series.first) return create(series);
    try {
      const path = `${pathOf(series)}/${encodeURIComponent(before.name)}`;
      await withRetries(() => calls.patch(path, {}, patchOf(series)), retry);
    } catch (error) {
      if (!(error instanceof ClusterError) || error.status !== 404) throw error;
      // An API server keeps Events for an hour.
      await create(series);
    }
  };
}

/** How a failed call is retried. An abort stops further retries. */
export interface Retry {
  /** Milliseconds before the first retry; the delay doubles with each further one. */
  readonly firstDelay: number;
  readonly signal: AbortSignal;
}

async function withRetries(call: () => Promise<unknown>, retry: Retry, attempt = 1): Promise<void> {
  const { firstDelay, signal } = retry;
  try {
    await call();
  } catch (error) {
    if (attempt >= MAX_ATTEMPTS || signal.aborted || !isTransient(error)) throw error;
    await pause(retryAfterOf(error) ?? firstDelay * 2 ** (attempt - 1), signal);
    await withRetries(call, retry, attempt + 1);
  }
}

function pathOf({ object }: Series): string {
  return `/api/v1/namespaces/${encodeURIComponent(object.namespace)}/events`;
}

function ignoreReason(reason: string): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof ClusterError) || error.reason !== reason) throw error;
  };
}

/** There was no response, or the server is overloaded or failing. */
function isTransient(error: unknown): boolean {
  if (!(error instanceof ClusterError)) return false;
  const { status = 500 } = error;
  return status >= 500 || status === 429 || status === 408;
}

function retryAfterOf(error: unknown): number | undefined {
  const requested = error instanceof ClusterError ? error.retryAfter : undefined;
  return requested === undefined ? undefined : Math.min(requested, MAX_RETRY_AFTER);
}

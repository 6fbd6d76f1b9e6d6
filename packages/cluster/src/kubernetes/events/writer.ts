import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError, EVENT_TYPES } from '../../cluster.ts';
import { remembering, type Series } from './series.ts';

/** The two calls of api.ts that Events need. */
export interface EventCalls {
  /** @throws {ClusterError} */
  create(path: string, query: Readonly<Record<string, string>>, object: unknown): Promise<unknown>;
  /** Sends a JSON merge patch. @throws {ClusterError} */
  patch(path: string, query: Readonly<Record<string, string>>, patch: unknown): Promise<unknown>;
}

/** Tries of one write. */
const TRIES = 3;

/** Milliseconds. A longer answer to `Retry-After` would hold up the Events on all other ConfigMaps. */
const LONGEST_WAIT = 10_000;

/** Event names that are remembered. What is forgotten begins anew. */
const MAX_REMEMBERED = 4096;

/** An Event as it is on the server: that of another series of the same key is another one. */
interface Stored {
  readonly name: string;
  readonly first: number;
}

/**
 * Writes a series as one Event: created first, then patched.
 *
 * @param instance name of this worker
 * @returns what writes, and throws a ClusterError where that was in vain
 */
export function writer(
  calls: EventCalls,
  instance: string,
  retry: Retry,
): (series: Series) => Promise<void> {
  const again = retrying(retry);
  const stored = remembering<Stored>(MAX_REMEMBERED);

  const create = async (series: Series): Promise<void> => {
    const event = eventOf(series, instance, randomBytes(8).toString('hex'));
    const path = pathOf(series);
    // A create whose answer was lost is there at the second try.
    await again(() => calls.create(path, {}, event).catch(unless('AlreadyExists')));
    stored.set(series.key, { name: event.metadata.name, first: series.first });
  };
  return async (series) => {
    const before = stored.get(series.key);
    if (before?.first !== series.first) return create(series);
    try {
      const path = `${pathOf(series)}/${encodeURIComponent(before.name)}`;
      await again(() => calls.patch(path, {}, patchOf(series)));
    } catch (error) {
      if (!(error instanceof ClusterError) || error.status !== 404) throw error;
      // An API server keeps Events for an hour.
      await create(series);
    }
  };
}

/** Which tries of a call there are; an abort leaves it at the one under way. */
export interface Retry {
  /** Milliseconds before the second try; each later one waits twice as long. */
  readonly first: number;
  readonly signal: AbortSignal;
}

function retrying({ first, signal }: Retry): (call: () => Promise<unknown>) => Promise<void> {
  const again = async (call: () => Promise<unknown>, tried: number): Promise<void> => {
    try {
      await call();
    } catch (error) {
      if (tried >= TRIES || signal.aborted || !mayPass(error)) throw error;
      await pause(waitOf(error) ?? first * 2 ** (tried - 1), signal);
      await again(call, tried + 1);
    }
  };
  return (call) => again(call, 1);
}

const pathOf = ({ object }: Series): string =>
  `/api/v1/namespaces/${encodeURIComponent(object.namespace)}/events`;

function unless(reason: string): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof ClusterError) || error.reason !== reason) throw error;
  };
}

/** No answer, an overloaded server, a failing one: everything else is an answer for good. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof ClusterError)) return false;
  const { status = 500 } = error;
  return status >= 500 || status === 429 || status === 408;
}

function waitOf(error: unknown): number | undefined {
  const after = error instanceof ClusterError ? error.retryAfter : undefined;
  return after === undefined ? undefined : Math.min(after, LONGEST_WAIT);
}

/** Waits, or does not where somebody wants to end. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/** An Event of core/v1: what `kubectl describe configmap` shows. */
interface KubernetesEvent {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly [field: string]: unknown;
}

/** Bytes: what the newer API of Events takes. */
const MAX_MESSAGE = 1024;

/** Characters that an object's name may have. */
const MAX_NAME = 253;

const COMPONENT = 'openfero-worker';

/**
 * The Event of a series.
 *
 * @param instance name of this worker
 * @param unique lower-case letters and digits that no other Event on this ConfigMap has
 */
function eventOf(series: Series, instance: string, unique: string): KubernetesEvent {
  const { object, reason, first } = series;
  const { name, namespace, uid, resourceVersion } = object;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: nameOf(name, unique), namespace },
    involvedObject: { apiVersion: 'v1', kind: 'ConfigMap', name, namespace, uid, resourceVersion },
    type: EVENT_TYPES[reason],
    reason,
    source: { component: COMPONENT },
    reportingComponent: COMPONENT,
    reportingInstance: instance,
    firstTimestamp: new Date(first).toISOString(),
    ...patchOf(series),
  };
}

/** What changes in the Event when its series goes on. */
function patchOf({ message, count, last }: Series): Readonly<Record<string, unknown>> {
  return { message: oneLine(message), count, lastTimestamp: new Date(last).toISOString() };
}

/** As client-go names them, `<object>.<number>`; a name of 253 characters leaves no room for that. */
function nameOf(object: string, unique: string): string {
  const start = object.slice(0, MAX_NAME - 1 - unique.length).replace(/[^a-z0-9]+$/, '');
  return `${start}.${unique}`;
}

/** Parts of it come from alerts, and it is read in terminals: no control characters. */
function oneLine(message: string): string {
  const clean = message.replace(/\p{Cc}+/gu, ' ').toWellFormed();
  const bytes = Buffer.from(clean);
  if (bytes.length <= MAX_MESSAGE) return clean;
  // A character that is cut in two is left out.
  return new TextDecoder().decode(bytes.subarray(0, MAX_MESSAGE), { stream: true });
}

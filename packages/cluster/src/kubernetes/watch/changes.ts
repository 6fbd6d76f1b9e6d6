import { isObject, type JsonObject } from '@openfero/core/kubernetes';
import { objectAt, parseJson, stringAt } from '../../json.ts';
import { errorOfEvent } from '../http/errors.ts';

/** A local copy of the watched objects, or of the parts that are needed. */
export interface ObjectCache<T> {
  /** Reads what is kept of an object; undefined where it is not one of ours. */
  parse(object: JsonObject): T | undefined;
  /** Replaces all objects. */
  replace(all: readonly T[]): void;
  put(one: T): void;
  remove(one: T): void;
}

/** The watch cannot continue from its last event: the objects have to be listed again. */
export class RelistRequired extends Error {
  /** The version has expired, as it does with time: not worth a log line. */
  readonly expired: boolean;
  constructor(message: string, expired = false) {
    super(message);
    this.expired = expired;
  }
}

/** A page of a list; `next` is empty on the last one. */
export interface Page {
  readonly items: readonly unknown[];
  readonly version: string;
  readonly next: string;
}

/** @throws {RelistRequired} where the response is not a list */
export function parsePage(response: unknown): Page {
  const { metadata, items } = isObject(response) ? response : {};
  const { resourceVersion, continue: next = '' } = isObject(metadata) ? metadata : {};
  // The items of an empty list may be null.
  if (typeof resourceVersion !== 'string' || typeof next !== 'string' || items === undefined) {
    throw new RelistRequired('the response is not a Kubernetes list');
  }
  return { items: Array.isArray(items) ? items : [], version: resourceVersion, next };
}

/** Reads what the cache keeps of each object on a page: 10,000 Jobs are not held whole. */
export function parseItems<T>({ items }: Page, cache: ObjectCache<T>): T[] {
  return items.flatMap((item) => {
    const one = isObject(item) ? cache.parse(item) : undefined;
    return one === undefined ? [] : [one];
  });
}

/**
 * Applies one event of a watch to the cache.
 *
 * @param line of the stream
 * @returns the resourceVersion up to which the cache is now complete
 * @throws {RelistRequired} where the event is an error, or malformed
 */
export function applyEvent<T>(line: string, cache: ObjectCache<T>): string {
  const { type, object } = parseEvent(line);
  const version = stringAt(objectAt(object, 'metadata'), 'resourceVersion');
  if (version === undefined) {
    throw new RelistRequired(`the watch event ${type} has no resourceVersion`);
  }
  const one = type === 'BOOKMARK' ? undefined : cache.parse(object);
  if (one === undefined) return version;
  if (type === 'DELETED') cache.remove(one);
  else cache.put(one);
  return version;
}

const TYPES: readonly unknown[] = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'];

function parseEvent(line: string): { readonly type: string; readonly object: JsonObject } {
  const event = parseJson(line);
  const { type, object } = isObject(event) ? event : {};
  if (type === 'ERROR') {
    const error = errorOfEvent(object);
    throw new RelistRequired(error.message, error.status === 410);
  }
  if (typeof type === 'string' && TYPES.includes(type) && isObject(object)) return { type, object };
  throw new RelistRequired('malformed watch event');
}

import { isObject, type JsonObject } from '@openfero/core/kubernetes';
import { errorOfEvent } from '../http/answers.ts';

/** Where watched objects go. */
export interface Store<T> {
  /** What is kept of an object; undefined where it is none of ours. */
  read(object: JsonObject): T | undefined;
  /** These are all. */
  replace(all: readonly T[]): void;
  put(one: T): void;
  remove(one: T): void;
}

/** The watch cannot go on from where it is: everything has to be listed again. */
export class Lost extends Error {
  /** Time alone did it: no news for a person. */
  readonly expired: boolean;
  constructor(message: string, expired = false) {
    super(message);
    this.expired = expired;
  }
}

/** A part of a list; `next` is empty on its last one. */
export interface Page {
  readonly items: readonly unknown[];
  readonly version: string;
  readonly next: string;
}

/** @throws {Lost} where the answer is no list */
export function pageOf(answer: unknown): Page {
  const { metadata, items } = isObject(answer) ? answer : {};
  const { resourceVersion, continue: next = '' } = isObject(metadata) ? metadata : {};
  // An empty list may come as null.
  if (typeof resourceVersion !== 'string' || typeof next !== 'string' || items === undefined) {
    throw new Lost('the answer is no list of Kubernetes');
  }
  return { items: Array.isArray(items) ? items : [], version: resourceVersion, next };
}

/** What is kept of the objects of a page: 10,000 Jobs are not held whole. */
export function kept<T>({ items }: Page, store: Store<T>): T[] {
  return items.flatMap((item) => {
    const one = isObject(item) ? store.read(item) : undefined;
    return one === undefined ? [] : [one];
  });
}

/**
 * Puts one event of a watch into the store.
 *
 * @param line of the stream
 * @returns the version up to which the store knows all now
 * @throws {Lost} where the event is an error, or none at all
 */
export function apply<T>(line: string, store: Store<T>): string {
  const { type, object } = eventOf(line);
  const metadata = object['metadata'];
  const version = isObject(metadata) ? metadata['resourceVersion'] : undefined;
  if (typeof version !== 'string') throw new Lost(`an event ${type} without a resourceVersion`);
  const one = type === 'BOOKMARK' ? undefined : store.read(object);
  if (one === undefined) return version;
  if (type === 'DELETED') store.remove(one);
  else store.put(one);
  return version;
}

const TYPES: readonly unknown[] = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'];

function eventOf(line: string): { readonly type: string; readonly object: JsonObject } {
  const event = parseOrNull(line);
  const { type, object } = isObject(event) ? event : {};
  if (type === 'ERROR') {
    const error = errorOfEvent(object);
    throw new Lost(error.message, error.status === 410);
  }
  if (typeof type === 'string' && TYPES.includes(type) && isObject(object)) return { type, object };
  throw new Lost('an event that cannot be read');
}

function parseOrNull(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

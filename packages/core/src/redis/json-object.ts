import { isObject } from '../kubernetes.ts';

/** The fields of a JSON object; none where the text is something else. */
export function readObject(text: unknown): Readonly<Record<string, unknown>> {
  // Asked before each Job, and mostly there is none: an exception would cost a fiftieth of the worker's time.
  if (typeof text !== 'string') return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

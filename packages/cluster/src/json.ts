import { isObject, type JsonObject } from '@openfero/core/kubernetes';

/** Parses JSON that others wrote; null where it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The object at a key of an object; an empty one where there is none. */
export function objectAt(value: unknown, key: string): JsonObject {
  const child = isObject(value) ? value[key] : undefined;
  return isObject(child) ? child : {};
}

/** The string at a key of an object. */
export function stringAt(value: unknown, key: string): string | undefined {
  const child = isObject(value) ? value[key] : undefined;
  return typeof child === 'string' ? child : undefined;
}

/** The time at a key of an object, in milliseconds since 1970. */
export function timeAt(object: unknown, key: string): number | undefined {
  const time = Date.parse(stringAt(object, key) ?? '');
  return Number.isNaN(time) ? undefined : time;
}

/** The value that a manifest gives a variable: the first one in these containers. */
export function valueIn(containers: unknown, variable: string): string | undefined {
  const variables = (Array.isArray(containers) ? containers : []).flatMap((container) => {
    const { env } = isObject(container) ? container : {};
    return Array.isArray(env) ? env : [];
  });
  return stringAt(
    variables.find((each) => stringAt(each, 'name') === variable),
    'value',
  );
}

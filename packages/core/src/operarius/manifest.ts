import { isObject, type Json, type JsonObject } from '../kubernetes.ts';
import { type InvalidOperarius, invalid } from './invalid-operarius.ts';

/**
 * Checks that a manifest is a Job which can be rendered: what is written into must have the right
 * shape. All else is the API server's to judge.
 *
 * @param where names the ConfigMap and its key in messages
 * @throws {InvalidOperarius} naming the first field that is wrong
 */
export function checkManifest(manifest: Json, where: string): JsonObject {
  if (!isObject(manifest)) {
    const message = `the value is ${kindOf(manifest)}`;
    throw invalid('manifest', where, message, 'expected the manifest of a Job');
  }
  const { apiVersion, kind } = manifest;
  if (apiVersion !== 'batch/v1' || kind !== 'Job') {
    const message = `the value is ${show(apiVersion)} ${show(kind)}`;
    throw invalid('manifest', where, message, 'expected apiVersion batch/v1 and kind Job');
  }
  const field = new Field(manifest, '', where);
  field.optional('metadata')?.eachOptional(['labels', 'annotations']);
  const template = field.required('spec').required('template');
  template.optional('metadata')?.eachOptional(['labels', 'annotations']);
  const pod = template.required('spec');
  if (pod.list('containers').length === 0) throw pod.wrong('containers', 'at least one container');
  for (const container of [...pod.list('containers'), ...pod.list('initContainers')]) {
    container.list('env');
  }
  return manifest;
}

/** An object of the manifest that knows its way there. */
class Field {
  readonly #value: JsonObject;
  readonly #path: string;
  readonly #where: string;

  constructor(value: JsonObject, path: string, where: string) {
    this.#value = value;
    this.#path = path;
    this.#where = where;
  }

  required(name: string): Field {
    const field = this.optional(name);
    if (field === undefined) throw this.wrong(name, 'an object');
    return field;
  }

  /** An empty field of YAML is null, which Kubernetes takes as absent. */
  optional(name: string): Field | undefined {
    const value = this.#get(name);
    if (value === null) return undefined;
    if (!isObject(value)) throw this.wrong(name, 'an object');
    return new Field(value, this.#pathOf(name), this.#where);
  }

  eachOptional(names: readonly string[]): void {
    for (const name of names) this.optional(name);
  }

  list(name: string): Field[] {
    const items = this.#get(name) ?? [];
    if (!Array.isArray(items)) throw this.wrong(name, 'a list');
    return items.map((item, i) => {
      if (!isObject(item)) throw this.wrong(`${name}[${i}]`, 'an object', item);
      return new Field(item, this.#pathOf(`${name}[${i}]`), this.#where);
    });
  }

  wrong(name: string, expected: string, found: Json = this.#get(name)): InvalidOperarius {
    const path = this.#pathOf(name);
    const message = `${path} is ${found === null ? 'missing' : kindOf(found)}`;
    return invalid('manifest', this.#where, message, `expected ${expected}`).at(path);
  }

  #get(name: string): Json {
    return (Object.hasOwn(this.#value, name) ? this.#value[name] : null) ?? null;
  }

  #pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}

function kindOf(value: Json): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'an object';
  return `${typeof value === 'string' ? 'the string' : `the ${typeof value}`} ${show(value)}`;
}

function show(value: Json | undefined): string {
  if (value === undefined) return '(nothing)';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

import { isObject, type Json } from '../kubernetes.ts';

/** The value at a path of own fields; undefined where there is none. */
export function at(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>(
    (inner, name) => (isObject(inner) && Object.hasOwn(inner, name) ? inner[name] : undefined),
    value,
  );
}

/** The elements of a list; none where it is no list. */
export function items(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** A container of a template, with what is read of it. */
export interface Container {
  readonly name: string;
  /** `spec.template.spec.containers[0]` */
  readonly path: string;
  /** Command and arguments, in the order in which the program gets them. */
  readonly words: readonly Word[];
  readonly env: readonly Variable[];
}

interface Word {
  /** `command[0]` */
  readonly path: string;
  readonly text: string;
}

interface Variable {
  readonly name: string;
  /** Undefined where it comes from elsewhere (`valueFrom`). */
  readonly value: string | undefined;
}

/** @param template a manifest that checkManifest has found good */
export function containersOf(template: Json): readonly Container[] {
  const pod = at(template, 'spec', 'template', 'spec');
  return ['initContainers', 'containers']
    .flatMap((list) =>
      items(at(pod, list)).map((container, i) => ({
        container,
        path: `spec.template.spec.${list}[${i}]`,
      })),
    )
    .map(({ container, path }) => ({
      name: textOr('?', at(container, 'name')),
      path,
      words: ['command', 'args'].flatMap((list) => wordsAt(container, list)),
      env: items(at(container, 'env')).flatMap(variableOf),
    }));
}

function wordsAt(container: Json, list: string): Word[] {
  return items(at(container, list)).flatMap((text, i) =>
    typeof text === 'string' ? [{ path: `${list}[${i}]`, text }] : [],
  );
}

function variableOf(variable: Json): Variable[] {
  const name = at(variable, 'name');
  const value = at(variable, 'value');
  if (typeof name !== 'string') return [];
  return [{ name, value: typeof value === 'string' ? value : undefined }];
}

function textOr(fallback: string, value: Json | undefined): string {
  return typeof value === 'string' ? value : fallback;
}

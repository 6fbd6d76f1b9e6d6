import { isObject, type Json, type JsonObject } from '../kubernetes.ts';
import { at, items } from './fields.ts';
import { error, type Finding, inField, info, warning } from './findings.ts';
import { type FieldType, jobTypes } from './job-types.ts';
import { nearest } from './nearest.ts';

/**
 * Finds what an API server would say of a manifest, as far as it is known without one, and what an author
 * may want to know besides. The worker asks the server, and looks at none of this.
 *
 * @param template a manifest that checkManifest has found good
 */
export function foreseen(template: JsonObject, place: string): Finding[] {
  return [
    ...inType(template, 'Job', ''),
    ...restartPolicy(template),
    ...account(template),
    ...['initContainers', 'containers'].flatMap((list) => ofContainers(template, list)),
  ].map((finding) => ({ ...finding, place }));
}

/** @param path of the object */
function inType(value: JsonObject, type: string, path: string): Finding[] {
  const fields = jobTypes().get(type);
  if (fields === undefined) return [];
  const missing = [...fields]
    .filter(([name, { required }]) => required && isAbsent(at(value, name)))
    .map(([name]) => name);
  return [
    ...missing.map((name) => {
      const message = `${join(path, name)} is missing`;
      return inField(path, error('manifest', '', message, 'the API server requires it'));
    }),
    ...Object.entries(value).flatMap(([name, inner]) => {
      const field = fields.get(name);
      if (field === undefined) return [unknownField(join(path, name), name, [...fields.keys()])];
      return isAbsent(inner) ? [] : ofType(inner, field.type, join(path, name));
    }),
  ];
}

function unknownField(path: string, name: string, known: readonly string[]): Finding {
  const meant = nearest(name, known);
  const fix =
    meant === undefined ? 'correct its name or its place, or remove it' : `did you mean ${meant}?`;
  return inField(path, warning('unknown-field', '', `unknown field ${path}`, fix));
}

function ofType(value: Json, type: FieldType, path: string): Finding[] {
  switch (type.kind) {
    case 'any':
      return [];
    case 'scalar':
      return isScalar(value, type.name) ? [] : [wrongType(value, path, article(type.name))];
    case 'list':
      return Array.isArray(value)
        ? value.flatMap((item, i) => ofType(item, type.of, `${path}[${i}]`))
        : [wrongType(value, path, 'a list')];
    case 'map':
      return isObject(value)
        ? Object.entries(value).flatMap(([key, inner]) => ofType(inner, type.of, join(path, key)))
        : [wrongType(value, path, 'an object')];
    case 'object':
      return isObject(value)
        ? inType(value, type.name, path)
        : [wrongType(value, path, 'an object')];
  }
}

function isScalar(value: Json, type: string): boolean {
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

function article(type: string): string {
  return type === 'integer' ? 'an integer' : `a ${type}`;
}

function wrongType(value: Json, path: string, expected: string): Finding {
  const found = JSON.stringify(value).slice(0, 60);
  const quotes = expected === 'a string' ? ': put it in quotes' : '';
  return inField(
    path,
    error('manifest', '', `${path} is ${found}`, `expected ${expected}${quotes}`),
  );
}

function isAbsent(value: Json | undefined): boolean {
  return value === undefined || value === null;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

const POD = 'spec.template.spec';

function restartPolicy(template: JsonObject): Finding[] {
  const policy = at(template, 'spec', 'template', 'spec', 'restartPolicy') ?? null;
  if (policy === 'Never' || policy === 'OnFailure') return [];
  const found = policy === null ? 'missing' : JSON.stringify(policy);
  const message = `${POD}.restartPolicy is ${found}`;
  const fix = 'a Job takes Never or OnFailure';
  return [inField(`${POD}.restartPolicy`, error('manifest', '', message, fix))];
}

function account(template: JsonObject): Finding[] {
  const pod = at(template, 'spec', 'template', 'spec');
  const named = at(pod, 'serviceAccountName') ?? at(pod, 'serviceAccount');
  if (named !== undefined || at(pod, 'automountServiceAccountToken') === false) return [];
  const message = 'its Pods use the ServiceAccount "default" of the namespace';
  const fix = 'name one in serviceAccountName, or set automountServiceAccountToken: false';
  return [inField(POD, info('no-account', '', message, fix))];
}

function ofContainers(template: JsonObject, list: string): Finding[] {
  const containers = items(at(template, 'spec', 'template', 'spec', list));
  return containers.flatMap((container, i) => {
    const path = `${POD}.${list}[${i}]`;
    const name = at(container, 'name');
    const who = `container ${typeof name === 'string' ? name : '?'}`;
    return [...imageOf(container, path, who), ...limitsOf(container, path, who)];
  });
}

function imageOf(container: Json, path: string, who: string): Finding[] {
  const image = at(container, 'image');
  if (typeof image !== 'string' || image.includes('@') || /:(?!latest$)[^/:]+$/.test(image)) {
    return [];
  }
  const message = `${who}: the image ${image} has no fixed version, so a night can bring another one`;
  return [inField(`${path}.image`, info('latest', '', message, 'add a tag or a digest'))];
}

function limitsOf(container: Json, path: string, who: string): Finding[] {
  if (at(container, 'resources', 'limits', 'memory') !== undefined) return [];
  const message = `${who} has no limit of memory`;
  return [inField(path, info('no-limits', '', message, 'set resources.limits.memory'))];
}

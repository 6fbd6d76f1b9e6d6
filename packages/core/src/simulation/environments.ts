import { isObject, type JobManifest } from '../kubernetes.ts';

/** The environment of each container of a Job, by the container's name. */
export function environmentsOf({
  spec,
}: JobManifest): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const template = isObject(spec['template']) ? spec['template'] : {};
  const pod = isObject(template['spec']) ? template['spec'] : {};
  const containers = ['initContainers', 'containers'].flatMap((list) => {
    const value = pod[list];
    return Array.isArray(value) ? value.filter(isObject) : [];
  });
  return new Map(
    containers.map((container) => {
      const env = Array.isArray(container['env']) ? container['env'].filter(isObject) : [];
      const texts = env.map(({ name, value }) => [String(name), String(value ?? '')] as const);
      return [String(container['name']), new Map(texts)];
    }),
  );
}

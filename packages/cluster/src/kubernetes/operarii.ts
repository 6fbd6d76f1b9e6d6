import { type ConfigMap, isObject, type Json, type JsonObject } from '@openfero/core/kubernetes';
import { isMeantAsOperarius } from '@openfero/core/operarius';
import { GLOBAL_CONFIGMAP } from '@openfero/core/operarius/global-switch';
import type { Operarii } from '../cluster.ts';
import type { Api } from './http/api.ts';
import type { Query } from './http/target.ts';
import { type ObjectCache, parsePage } from './watch/changes.ts';
import { createWatch, type Watch, type WatchDependencies } from './watch/watch.ts';

/** Which ConfigMaps are operarii. */
export interface ConfigMapSelector {
  readonly namespace: string;
  readonly labelSelector: string;
}

/**
 * Watches the operarii by their label, and the global switch by its name: someone who needs it in a
 * hurry should not have to remember the label.
 */
export function createKubernetesOperarii(
  { namespace, labelSelector }: ConfigMapSelector,
  dependencies: WatchDependencies,
): { readonly operarii: Operarii; readonly watches: readonly Watch[] } {
  const path = configMapsPath(namespace);
  const selected = createConfigMapCache();
  const switches = createConfigMapCache();
  const title = `ConfigMaps in namespace ${namespace}`;
  const fieldSelector = `metadata.name=${GLOBAL_CONFIGMAP}`;
  return {
    operarii: {
      get: (name) => selected.byName.get(name),
      globalSwitch: () => switches.byName.get(GLOBAL_CONFIGMAP),
      all: () => selected.byName.values(),
      async unlabelled() {
        const all = await listMetadata(path, dependencies.api);
        return all.filter((one) => isMeantAsOperarius(one) && !selected.byName.has(one.name));
      },
      revision: () => selected.revision() + switches.revision(),
    },
    watches: [
      createWatch({ title, path, selector: { labelSelector } }, selected, dependencies),
      createWatch(
        { title: `${title} (${fieldSelector})`, path, selector: { fieldSelector } },
        switches,
        dependencies,
      ),
    ],
  };
}

/** The operarii and the switch as they are now, for a person who asks once. @throws {ClusterError} */
export async function listOperarii(
  { namespace, labelSelector }: ConfigMapSelector,
  api: Api,
): Promise<readonly ConfigMap[]> {
  const path = configMapsPath(namespace);
  const fieldSelector = `metadata.name=${GLOBAL_CONFIGMAP}`;
  const found = new Map<string, ConfigMap>();
  for (const selector of [{ labelSelector }, { fieldSelector }]) {
    const read = (query: Query) => api.read('list', path, { ...query, ...selector });
    for (const one of await allPages(read)) found.set(one.metadata.name, one);
  }
  return [...found.values()];
}

/** Pages of 500: in a namespace with more ConfigMaps than 5,000 the rest are not looked at. */
const MAX_PAGES = 10;
const PAGE_SIZE = 500;

/** Names, labels and annotations of all ConfigMaps, without their data. */
async function listMetadata(path: string, api: Api): Promise<ConfigMap['metadata'][]> {
  const all = await allPages((query) => api.listMetadata(path, query));
  return all.map(({ metadata }) => metadata);
}

async function allPages(read: (query: Query) => Promise<unknown>): Promise<ConfigMap[]> {
  const all: ConfigMap[] = [];
  let next = '';
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const query = { limit: String(PAGE_SIZE), ...(next !== '' && { continue: next }) };
    const page = parsePage(await read(query));
    for (const item of page.items) {
      if (isObject(item) && isConfigMap(item)) all.push(trim(item));
    }
    next = page.next;
    if (next === '') break;
  }
  return all;
}

const configMapsPath = (namespace: string): string =>
  `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps`;

interface ConfigMapCache extends ObjectCache<ConfigMap> {
  readonly byName: ReadonlyMap<string, ConfigMap>;
  revision(): number;
}

function createConfigMapCache(): ConfigMapCache {
  let byName = new Map<string, ConfigMap>();
  let revision = 0;
  /** Keeps the same object for the same version: what others computed from it stays valid. */
  const reuse = (one: ConfigMap): ConfigMap => {
    const before = byName.get(one.metadata.name);
    return before !== undefined && isSameVersion(before, one) ? before : one;
  };
  return {
    get byName() {
      return byName;
    },
    revision: () => revision,
    parse: (object) => (isConfigMap(object) ? trim(object) : undefined),
    replace(all) {
      byName = new Map(all.map((one) => [one.metadata.name, reuse(one)]));
      revision++;
    },
    put(one) {
      byName.set(one.metadata.name, reuse(one));
      revision++;
    },
    remove({ metadata }) {
      byName.delete(metadata.name);
      revision++;
    },
  };
}

function isSameVersion(a: ConfigMap, b: ConfigMap): boolean {
  const { uid, resourceVersion } = a.metadata;
  return uid === b.metadata.uid && resourceVersion === b.metadata.resourceVersion;
}

/** Drops `managedFields` above all, which is as long as the rest. */
function trim({ metadata, data, binaryData }: ConfigMap): ConfigMap {
  const { name, namespace, uid, resourceVersion, labels, annotations } = metadata;
  return {
    metadata: {
      name,
      namespace,
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(labels !== undefined && { labels }),
      ...(annotations !== undefined && { annotations }),
    },
    ...(data !== undefined && { data }),
    ...(binaryData !== undefined && { binaryData: keysOf(binaryData) }),
  };
}

/** Binary files can be large, and only their names are told to the author. */
function keysOf(binaryData: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.keys(binaryData).map((key) => [key, '']));
}

function isConfigMap(object: JsonObject): object is JsonObject & ConfigMap {
  const { metadata, data, binaryData } = object;
  if (!isObject(metadata) || !isStringMap(data) || !isStringMap(binaryData)) return false;
  const { name, namespace, labels, annotations } = metadata;
  return (
    [name, namespace].every((each) => typeof each === 'string') &&
    isStringMap(labels) &&
    isStringMap(annotations)
  );
}

/** Also true where there is none. */
function isStringMap(value: Json | undefined): boolean {
  if (value === undefined) return true;
  return isObject(value) && Object.values(value).every((each) => typeof each === 'string');
}

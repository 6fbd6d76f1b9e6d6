import { type ConfigMap, isObject, type Json, type JsonObject } from '@openfero/core/kubernetes';
import { GLOBAL_CONFIGMAP } from '@openfero/core/operarius/policy';
import type { Operarii } from '../cluster.ts';
import type { Store } from './watch/changes.ts';
import { type Means, type Watch, watch } from './watch/watch.ts';

/** Which ConfigMaps are operarii. */
export interface Scope {
  readonly namespace: string;
  readonly labelSelector: string;
}

/**
 * Watches the operarii by their label, and the global switch by its name: whoever needs it in a hurry
 * should not have to think of labels.
 */
export function watchOperarii(
  { namespace, labelSelector }: Scope,
  means: Means,
): { readonly operarii: Operarii; readonly watches: readonly Watch[] } {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps`;
  const selected = configMaps();
  const switches = configMaps();
  const title = `ConfigMaps in namespace ${namespace}`;
  const fieldSelector = `metadata.name=${GLOBAL_CONFIGMAP}`;
  return {
    operarii: {
      get: (name) => selected.byName.get(name),
      globalSwitch: () => switches.byName.get(GLOBAL_CONFIGMAP),
      all: () => selected.byName.values(),
      revision: () => selected.revision() + switches.revision(),
    },
    watches: [
      watch({ title, path, selector: { labelSelector } }, selected, means),
      watch(
        { title: `${title} (${fieldSelector})`, path, selector: { fieldSelector } },
        switches,
        means,
      ),
    ],
  };
}

interface ConfigMaps extends Store<ConfigMap> {
  readonly byName: ReadonlyMap<string, ConfigMap>;
  revision(): number;
}

function configMaps(): ConfigMaps {
  let byName = new Map<string, ConfigMap>();
  let revision = 0;
  /** The one that is known already where it is the same: what was read from it holds on. */
  const known = (one: ConfigMap): ConfigMap => {
    const before = byName.get(one.metadata.name);
    return before !== undefined && isSame(before, one) ? before : one;
  };
  return {
    get byName() {
      return byName;
    },
    revision: () => revision,
    read: (object) => (isConfigMap(object) ? lean(object) : undefined),
    replace(all) {
      byName = new Map(all.map((one) => [one.metadata.name, known(one)]));
      revision++;
    },
    put(one) {
      byName.set(one.metadata.name, known(one));
      revision++;
    },
    remove({ metadata }) {
      byName.delete(metadata.name);
      revision++;
    },
  };
}

function isSame(a: ConfigMap, b: ConfigMap): boolean {
  const { uid, resourceVersion } = a.metadata;
  return uid === b.metadata.uid && resourceVersion === b.metadata.resourceVersion;
}

/** `managedFields` says of every line who wrote it, and is as long as the rest. */
function lean({ metadata, data }: ConfigMap): ConfigMap {
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
  };
}

function isConfigMap(object: JsonObject): object is JsonObject & ConfigMap {
  const { metadata, data } = object;
  if (!isObject(metadata) || !areTexts(data)) return false;
  const { name, namespace, labels, annotations } = metadata;
  return (
    [name, namespace].every((each) => typeof each === 'string') &&
    areTexts(labels) &&
    areTexts(annotations)
  );
}

function areTexts(value: Json | undefined): boolean {
  if (value === undefined) return true;
  return isObject(value) && Object.values(value).every((each) => typeof each === 'string');
}

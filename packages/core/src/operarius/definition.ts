import { digest } from '../digest.ts';
import type { ConfigMap } from '../kubernetes.ts';
import { ANNOTATION_PREFIX } from './policy-names.ts';

/**
 * Which version of a definition this is: 10 hex digits over the data and the `openfero.io/` annotations.
 * Not the resourceVersion: applying the same file again, as GitOps does, changes nothing.
 */
export function definitionDigest({ metadata, data }: ConfigMap): string {
  const own = Object.entries(metadata.annotations ?? {}).filter(([name]) =>
    name.startsWith(ANNOTATION_PREFIX),
  );
  const parts = [own, Object.entries(data ?? {})].map((entries) =>
    entries.map(([name, value]) => [name, String(value)]).sort(byName),
  );
  return digest('definition/1', JSON.stringify(parts)).slice(0, 10);
}

/** {@link definitionDigest}, once per version: a storm of alerts may have one invalid operarius of a megabyte. */
export function createDigester(): (configMap: ConfigMap) => string {
  const known = new WeakMap<ConfigMap, string>();
  return (configMap) => {
    const digest = known.get(configMap) ?? definitionDigest(configMap);
    known.set(configMap, digest);
    return digest;
  };
}

const byName = ([a = '']: string[], [b = '']: string[]): number => (a < b ? -1 : Number(a > b));

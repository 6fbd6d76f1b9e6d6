import type { ConfigMap } from '@openfero/core/kubernetes';
import { InvalidOperarius } from '@openfero/core/operarius';
import { type Policy, readPolicy } from '@openfero/core/operarius/policy';

/** The policy of an operarius; undefined where an annotation is wrong. */
export function policyOf({ metadata }: ConfigMap, defaults: Policy): Policy | undefined {
  try {
    return readPolicy(metadata.annotations, defaults, metadata.name);
  } catch (error) {
    if (error instanceof InvalidOperarius) return undefined;
    throw error;
  }
}

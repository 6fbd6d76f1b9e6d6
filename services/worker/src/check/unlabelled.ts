import { setTimeout as delay } from 'node:timers/promises';
import type { Operarii } from '@openfero/cluster/cluster';
import { messageOf } from '@openfero/core/errors';
import type { ConfigMap } from '@openfero/core/kubernetes';
import type { Logger } from '@openfero/service/log';

type Metadata = ConfigMap['metadata'];

/** Milliseconds for the watch to report what a list shows already. */
const WATCH_DELAY = 1_000;

/**
 * The ConfigMaps that look like operarii and have not the label of one, so that no watch shows them.
 *
 * @returns undefined where they could not be listed: then nothing is known of them
 */
export async function findUnlabelled(
  operarii: Operarii,
  log: Logger,
  signal: AbortSignal,
): Promise<readonly Metadata[] | undefined> {
  try {
    const found = await operarii.unlabelled();
    if (found.length === 0) return found;
    await delay(WATCH_DELAY, undefined, { signal });
    return found.filter(({ name }) => operarii.get(name) === undefined);
  } catch (error) {
    log.debug(`ConfigMaps without the label were not looked for: ${messageOf(error)}`);
    return undefined;
  }
}

/** What to do about one of them. */
export function labelProblem({ namespace, name }: Metadata, labelSelector: string): string {
  const label = /^[^=!,\s]+=[^=!,\s]+$/.exec(labelSelector)?.[0];
  const fix =
    label === undefined
      ? 'give it the labels of OPENFERO_LABEL_SELECTOR'
      : `run kubectl -n ${namespace} label configmap ${name} ${label}`;
  return `ConfigMap ${namespace}/${name} looks like an operarius but is not selected by ${labelSelector} (OPENFERO_LABEL_SELECTOR), so it never runs: ${fix}`;
}

import type { Alert } from '../alert.ts';
import { cut } from '../cut.ts';
import { digest } from '../digest.ts';

/** What a Job works on. */
export interface Target {
  /** The same for all operarii that name the same labels: the Job's label, and its field in Redis. */
  readonly digest: string;
  /** For people: `node="worker-1"`. */
  readonly text: string;
}

/** Hex digits. Two targets that meet in one digest only wait for each other. */
const DIGEST_LENGTH = 20;

/** Characters of a value that people are shown: a label can have megabytes. */
const SHOWN = 100;

/**
 * The values that an alert has for the labels of `target`; a missing label counts as empty.
 *
 * @returns undefined where the policy names no labels
 */
export function targetOf(
  { labels }: Pick<Alert, 'labels'>,
  { target: names }: { readonly target: readonly string[] },
): Target | undefined {
  if (names.length === 0) return undefined;
  const valueAt = (name: string): string =>
    Object.hasOwn(labels, name) ? (labels[name] ?? '') : '';
  const parts = names.flatMap((name) => [name, valueAt(name)]);
  const texts = names.map((name) => `${name}=${JSON.stringify(cut(valueAt(name), SHOWN))}`);
  return { digest: digest('target/1', ...parts).slice(0, DIGEST_LENGTH), text: texts.join(', ') };
}

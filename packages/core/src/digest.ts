import { hash } from 'node:crypto';

/**
 * A digest over several texts that no choice of texts can make ambiguous: each is preceded by its
 * length.
 *
 * @returns 64 hex digits
 */
export function digest(...parts: readonly string[]): string {
  return hash('sha256', parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join(''));
}

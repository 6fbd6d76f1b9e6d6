import { isObject } from '@openfero/core/kubernetes';

/**
 * The ServiceAccount that a token belongs to, from its `sub` (`system:serviceaccount:<ns>:<name>`).
 * Read, not verified: that is the API server's.
 *
 * @returns its name where it is of that namespace
 */
export function serviceAccountOf(token: string | undefined, namespace: string): string | undefined {
  const [, ofNamespace, name] =
    /^system:serviceaccount:([^:]+):([^:]+)$/.exec(subjectOf(token?.split('.')[1] ?? '')) ?? [];
  return ofNamespace === namespace ? name : undefined;
}

/** @param claims base64url of JSON, or whatever an opaque token has there */
function subjectOf(claims: string): string {
  try {
    const read: unknown = JSON.parse(Buffer.from(claims, 'base64url').toString());
    return isObject(read) ? String(read['sub']) : '';
  } catch {
    return '';
  }
}

import { parseJson, stringAt } from '../../json.ts';

/**
 * The ServiceAccount of a token, from its `sub` claim (`system:serviceaccount:<namespace>:<name>`).
 * The claim is not verified: the API server does that.
 *
 * @returns its name, if it is in that namespace
 */
export function serviceAccountOf(token: string | undefined, namespace: string): string | undefined {
  const [, ofNamespace, name] =
    /^system:serviceaccount:([^:]+):([^:]+)$/.exec(subjectOf(token ?? '')) ?? [];
  return ofNamespace === namespace ? name : undefined;
}

/** An opaque token may have anything in the place of its claims. */
function subjectOf(token: string): string {
  const [, claims = ''] = token.split('.');
  return stringAt(parseJson(Buffer.from(claims, 'base64url').toString()), 'sub') ?? '';
}

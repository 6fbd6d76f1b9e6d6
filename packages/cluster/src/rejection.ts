import { ClusterError } from './cluster.ts';

/** HTTP status of the API server: the definition cannot be created as it is. */
const REJECTED = new Set([400, 413, 422]);

/**
 * How an API server words a denial by a policy: of an admission webhook (Kyverno, Gatekeeper), or of
 * a ValidatingAdmissionPolicy. Only these words tell it from a 403 for want of rights or of quota.
 *
 * Source: kubernetes, apiserver/pkg/admission/plugin/webhook/errors (ToStatusErr) and
 * plugin/policy/validating (dispatcher).
 */
const DENIED = [
  /^\d+ \w*: admission webhook "[^"]*" denied the request/,
  /^\d+ \w*: [\w.]+ "[^"]*" is forbidden: ValidatingAdmissionPolicy '[^']*' with binding '[^']*' denied request/,
];

/** Whether only a change of the Job can make the API server take it: so says it itself, or a policy. */
export function isRejection({ status = 0, message }: ClusterError): boolean {
  if (REJECTED.has(status)) return true;
  // A webhook chooses its status: 429 asks for another attempt, and 5xx says that it failed itself.
  const mayDeny = status >= 400 && status < 500 && status !== 429;
  return mayDeny && DENIED.some((words) => words.test(message));
}

/**
 * Whether it is certain that the API server has not done what it was asked. After any other error it may have
 * done it.
 */
export const isRefusal = (error: unknown): error is ClusterError & { readonly status: number } => {
  if (!(error instanceof ClusterError)) return false;
  const { status = 0 } = error;
  return status >= 400 && status < 500;
};

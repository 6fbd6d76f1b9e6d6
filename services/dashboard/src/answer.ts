/** What came of a change that a person asked for. */
export interface Answer {
  readonly code: 200 | 204 | 404 | 405 | 409 | 410;
  readonly body?: { readonly error?: string; readonly retried?: number; readonly skipped?: number };
  /** The number of remediations that it changed. */
  readonly changed: number;
  /** The remediation by which a Job is run again. */
  readonly remediation?: string;
}

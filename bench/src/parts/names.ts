/** The namespace that the stub of an API server knows. */
export const STUB_NAMESPACE = 'bench';

/** Remediations that a worker, and the empty one beside it, has in hand. */
export const CONCURRENCY = 64;

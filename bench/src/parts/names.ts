/** The namespace of the stub API server. */
export const STUB_NAMESPACE = 'bench';

/** Concurrent remediations of a worker, and of the empty worker that it is compared with. */
export const CONCURRENCY = 64;

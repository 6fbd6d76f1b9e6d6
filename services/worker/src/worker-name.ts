import { hostname } from 'node:os';

/** Names this process among all workers: in a cluster, the hostname is the pod's name. */
export const WORKER_NAME = `${hostname()}/${process.pid}`;

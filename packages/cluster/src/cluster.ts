import type { ConfigMap, JobManifest } from '@openfero/core/kubernetes';

/**
 * What the worker needs of a cluster. Two fulfil it: kubernetes/ (an API server) and directory/
 * (two folders, for development and the demo). All names are within the namespaces of the settings.
 */
export interface Cluster {
  readonly operarii: Operarii;
  readonly jobs: Jobs;
  readonly events: Events;
  /** The worker's own ServiceAccount, where it is known and in the namespace of the Jobs. */
  readonly serviceAccount?: string;
  /** Why nothing may be decided now (no complete list yet, watch too old), or undefined. */
  blocked(): string | undefined;
  /** Seconds since each watch was last known to be up to date: openfero_watch_age_seconds. */
  watchAges(): Readonly<Record<string, number>>;
  /** Asks the server for something cheap. @throws {ClusterError} as any other call */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** The ConfigMaps of the configured namespace, from a watch: reading them costs no call. */
export interface Operarii {
  /** The ConfigMap of that name, if it carries the label selector. */
  get(name: string): ConfigMap | undefined;
  /** The global switch: the ConfigMap `openfero`, whatever its labels. */
  globalSwitch(): ConfigMap | undefined;
  /** All of them, for what must know the prefixes of our Jobs. */
  all(): Iterable<ConfigMap>;
  /** Another number after every change. */
  revision(): number;
}

export interface Jobs {
  /**
   * Creates the Job.
   *
   * @returns the server's warnings
   * @throws {ClusterError}
   */
  create(job: JobManifest, options: { readonly dryRun: boolean }): Promise<readonly string[]>;
  /** Reads one Job from the server itself, never from a cache. @throws {ClusterError} */
  get(name: string): Promise<ExistingJob | undefined>;
  /** Whether the watch knows a Job of ours of that name. */
  isOurs(name: string): boolean;
  /** The Jobs of ours that are unfinished, by the watch, and how old that knowledge is (ms). */
  unfinished(): { readonly age: number; readonly jobs: Iterable<JobOfOperarius> };
  /** Calls back once for every Job of ours that finishes or goes away. */
  onEnd(listener: (job: JobOfOperarius) => void): void;
}

/** What the author of an operarius sees with `kubectl describe configmap`. */
export interface Events {
  /** Records an Event on the ConfigMap some time soon. Never throws and never waits: off the hot path. */
  record(operarius: ConfigMap['metadata'], reason: EventReason, message: string): void;
}

/** The reasons of our Events, and whether they are warnings. */
export const EVENT_TYPES = {
  OperariusValid: 'Normal',
  InvalidOperarius: 'Warning',
  JobCreated: 'Normal',
  RemediationFailed: 'Warning',
} as const;
export type EventReason = keyof typeof EVENT_TYPES;

export interface JobOfOperarius {
  readonly name: string;
  /** The ConfigMap's name, from the Job's label. */
  readonly operarius: string;
}

export interface ExistingJob {
  readonly name: string;
  readonly finished: boolean;
  /** Milliseconds since 1970, by the cluster's clock. */
  readonly createdAt: number;
  /** The annotations that identity.ts writes; undefined on a Job that is not ours. */
  readonly remediation: string | undefined;
  readonly dedupKey: string | undefined;
}

/**
 * The one error of every call to a cluster. It holds no headers and no bodies, so it may be logged.
 */
export class ClusterError extends Error {
  /** The HTTP status, or undefined where no answer came. */
  readonly status: number | undefined;
  /** `reason` of the server's Status, such as AlreadyExists; without an answer the network's code. */
  readonly reason: string;
  /** Milliseconds the server asked to wait. */
  readonly retryAfter: number | undefined;

  constructor(
    message: string,
    of: { status?: number; reason: string; retryAfter?: number; cause?: unknown },
  ) {
    super(message, { cause: of.cause });
    this.name = 'ClusterError';
    this.status = of.status;
    this.reason = of.reason;
    this.retryAfter = of.retryAfter;
  }
}

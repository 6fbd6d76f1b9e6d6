import type { ConfigMap, JobManifest } from '@openfero/core/kubernetes';

/**
 * What the worker needs of a cluster. There are two kinds: kubernetes/ (an API server) and directory/
 * (two folders, for development and the demo). All names are in the namespaces of the settings.
 */
export interface Cluster {
  readonly operarii: Operarii;
  readonly jobs: Jobs;
  readonly events: Events;
  /** The worker's own ServiceAccount, if it is known and in the namespace of the Jobs. */
  readonly serviceAccount?: string;
  /** Why nothing may be decided now (no complete list yet, or a stale watch), or undefined. */
  blocked(): string | undefined;
  /** Seconds since each watch was last known to be up to date: openfero_watch_age_seconds. */
  watchAges(): Readonly<Record<string, number>>;
  /** Sends a cheap request. @throws {ClusterError} as any other call */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** The ConfigMaps of the configured namespace, from a watch: reading them needs no request. */
export interface Operarii {
  /** The ConfigMap of that name, if the label selector selects it. */
  get(name: string): ConfigMap | undefined;
  /** The global switch: the ConfigMap `openfero`, whatever its labels. */
  globalSwitch(): ConfigMap | undefined;
  /** All operarii, for callers that need the name prefixes of our Jobs. */
  all(): Iterable<ConfigMap>;
  /**
   * Asks for the ConfigMaps that look like operarii by their name or annotation, and that the label
   * selector does not select. @throws {ClusterError}
   */
  unlabelled(): Promise<readonly ConfigMap['metadata'][]>;
  /** A number that changes with every change. */
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
  /** Reads one Job from the server, never from a cache. @throws {ClusterError} */
  get(name: string): Promise<ExistingJob | undefined>;
  /**
   * The Pod Security level that the namespace of the Jobs enforces; undefined where it has none, or the
   * worker may not read it. @throws {ClusterError} where there was no answer
   */
  enforcedPodSecurity(): Promise<string | undefined>;
  /** Whether the watch has a Job of ours with that name. */
  isOurs(name: string): boolean;
  /** Whether a Job can be created suspended, for a person to release. */
  readonly canWait: boolean;
  /** Our unfinished Jobs according to the watch, and the age of that information (ms). */
  unfinished(): { readonly age: number; readonly jobs: Iterable<UnfinishedJob> };
  /** Calls the listener once for each of our Jobs that finishes or is deleted. */
  onEnd(listener: (job: EndedJob) => void): void;
  /** The Jobs of ours that have ended and still exist, by the watch. */
  ended(): Iterable<EndedJob>;
  /** The unfinished Jobs that were created suspended, released ones included, by the watch. */
  asked(): Iterable<AskedJob>;
  /** Releases a Job that waits for a person, if it has not changed. @throws {ClusterError} with 409 else */
  release(job: AskedJob, by: string): Promise<void>;
  /** Deletes one, if it has not changed. @throws {ClusterError} with 409 else */
  remove(job: AskedJob): Promise<void>;
  /** Our unfinished Jobs that have never had a pod, by the watch; none of those that wait for a person. */
  withoutPods(): Iterable<JobWithoutPods>;
  /**
   * Why the cluster creates no pod of a Job, from the Events about it, in one line; undefined where none
   * says so. @throws {ClusterError}
   */
  whyNoPods(job: Pick<JobWithoutPods, 'uid'>): Promise<string | undefined>;
}

/** What the author of an operarius sees with `kubectl describe configmap`. */
export interface Events {
  /** Queues an Event on the ConfigMap. Never throws and never waits: remediations do not depend on it. */
  record(operarius: ConfigMap['metadata'], reason: EventReason, message: string): void;
}

/** The reasons of our Events, and their types. */
export const EVENT_TYPES = {
  OperariusValid: 'Normal',
  OperariusWarning: 'Warning',
  InvalidOperarius: 'Warning',
  JobCreated: 'Normal',
  JobCannotStart: 'Warning',
  JobFailed: 'Warning',
  NoEffect: 'Warning',
  OperariusStopped: 'Warning',
  OperariusRearmed: 'Normal',
  RemediationFailed: 'Warning',
  RemediationHeld: 'Warning',
  ApprovalAsked: 'Normal',
  ApprovalDecided: 'Normal',
  ApprovalObstructed: 'Warning',
  SwitchedOff: 'Warning',
  SwitchedOn: 'Normal',
  ModeChanged: 'Normal',
} as const;
export type EventReason = keyof typeof EVENT_TYPES;

export interface JobOfOperarius {
  readonly name: string;
  /** Name of the ConfigMap, from the Job's label. */
  readonly operarius: string;
  /** The digest of what it works on, from the Job's label. */
  readonly target?: string;
}

/** A Job that has not ended. */
export interface UnfinishedJob extends JobOfOperarius {
  /** It is suspended, and waits for a person. */
  readonly isAsked?: boolean;
}

/** A Job that is over. */
export interface EndedJob extends JobOfOperarius {
  /** Undefined where the cluster does not run Jobs. */
  readonly end?: JobEnd;
  /** Of one about which a person was asked: as it was when it was last seen. */
  readonly asked?: AskedJob;
}

/** A Job that was created suspended, for a person to release. */
export interface AskedJob extends JobOfOperarius, JobOrigin {
  readonly uid: string;
  readonly resourceVersion: string;
  /** It is suspended; else somebody has released it. */
  readonly isWaiting: boolean;
  /** Until when a person may release it: milliseconds since 1970. */
  readonly until: number;
  /** Who has released it, where anybody said so; else empty. */
  readonly approvedBy: string;
  /** The labels of its alert, and the Job as YAML, while it waits. */
  readonly labels: Readonly<Record<string, string>>;
  readonly manifest: string;
}

/** What a Job was created for, as render wrote it, and when (ms, by the cluster's clock). */
export interface JobOrigin {
  readonly createdAt: number;
  readonly remediation: string;
  readonly alertname: string;
  /** The label `namespace` of the alert, and the key of its group: empty where there is none, cut. */
  readonly namespace: string;
  readonly groupKey: string;
  readonly fingerprint: string;
  readonly startsAt: string;
  /** Which version of its operarius created it; empty on a Job of an older release. */
  readonly definition: string;
  readonly status: string;
  /** With tracing: what its end belongs to. */
  readonly traceparent?: string;
}

/** How a Job ended. Times in milliseconds, by the cluster's clock. */
export interface JobEnd extends JobOrigin {
  readonly uid: string;
  readonly fate: 'succeeded' | 'failed' | 'deleted';
  /** The reason of its condition, such as BackoffLimitExceeded, and whether it ever started; else empty. */
  readonly reason: string;
  readonly endedAt: number;
}

export interface JobWithoutPods extends JobOfOperarius, JobOrigin {
  readonly uid: string;
}

export interface ExistingJob {
  readonly name: string;
  /** It has ended, or it is being deleted: whatever still holds it then may hold it for ever. */
  readonly finished: boolean;
  /** Between these two it was created: milliseconds since 1970, on the cluster's clock. */
  readonly createdAt: number;
  readonly createdBefore: number;
  /** Our annotations; undefined on a Job that is not ours. */
  readonly remediation: string | undefined;
  readonly dedupKey: string | undefined;
}

/** The error of every call to a cluster. It holds no headers and no bodies, so it may be logged. */
export class ClusterError extends Error {
  /** The HTTP status, or undefined where no response came. */
  readonly status: number | undefined;
  /** `reason` of the server's Status, such as AlreadyExists; without a response the network's code. */
  readonly reason: string;
  /** Milliseconds that the server asked to wait. */
  readonly retryAfter: number | undefined;

  constructor(
    message: string,
    details: { status?: number; reason: string; retryAfter?: number; cause?: unknown },
  ) {
    super(message, { cause: details.cause });
    this.name = 'ClusterError';
    this.status = details.status;
    this.reason = details.reason;
    this.retryAfter = details.retryAfter;
  }
}

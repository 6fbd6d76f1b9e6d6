import { link, mkdir, readdir, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '@openfero/core/errors';
import type { JobManifest } from '@openfero/core/kubernetes';
import { ANNOTATIONS, LABELS } from '@openfero/core/labels';
import { parseManifest } from '@openfero/core/yaml';
import type { Logger } from '@openfero/service/log';
import { dump } from 'js-yaml';
import { ClusterError, type EndedJob, type ExistingJob, type Jobs } from '../cluster.ts';
import { objectAt, stringAt } from '../json.ts';
import { followEnds } from './job-ends.ts';

export interface DirectoryJobs extends Jobs {
  close(): void;
}

/**
 * Jobs as `<name>.yaml` in a folder. A file is written under another name first and then linked: its
 * name appears once and with the complete text, even with several writers and when the worker is
 * killed. Nothing runs the Jobs, so they count as finished once they are written. How they ended is told
 * later, if anybody says so.
 */
export async function createDirectoryJobs(folder: string, log: Logger): Promise<DirectoryJobs> {
  await mkdir(folder, { recursive: true });
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml'));
  const names = new Set(files.map((file) => file.slice(0, -'.yaml'.length)));
  const listeners: ((job: EndedJob) => void)[] = [];
  const tell = (job: EndedJob): void => {
    for (const listener of listeners) listener(job);
  };
  const ends = followEnds(folder, tell, log);
  const fileOf = (name: string): string => join(folder, `${name}.yaml`);

  return {
    async create(job, { dryRun }) {
      const { name } = job.metadata;
      if (dryRun) return checkFree(fileOf(name));
      await writeOnce(fileOf(name), dump(job, { lineWidth: -1, noRefs: true }));
      names.add(name);
      const ended = { name, ...labelled(job) };
      queueMicrotask(() => tell(ended));
      return [];
    },
    async get(name) {
      const file = await readIfThere(fileOf(name));
      return file === undefined ? undefined : parseExistingJob(name, file);
    },
    enforcedPodSecurity: async () => undefined,
    canWait: false,
    isOurs: (name) => names.has(name),
    unfinished: () => ({ age: 0, jobs: [] }),
    onEnd: (listener) => void listeners.push(listener),
    ended: ends.ended,
    close: ends.close,
    asked: () => [],
    release: cannotWait,
    remove: cannotWait,
    withoutPods: () => [],
    whyNoPods: async () => undefined,
  };
}

/** Nobody is asked there. */
async function cannotWait(): Promise<never> {
  throw new ClusterError('a folder has no suspended Jobs', { reason: 'Unsupported' });
}

/** @throws {ClusterError} AlreadyExists where the file exists, as an API server would */
async function writeOnce(file: string, text: string): Promise<void> {
  const draft = `${file}.${crypto.randomUUID()}.draft`;
  try {
    await writeFile(draft, text);
    await link(draft, file);
  } catch (error) {
    throw codeOf(error) === 'EEXIST' ? alreadyExists(file) : fileError('write', file, error);
  } finally {
    await unlink(draft).catch(() => undefined);
  }
}

/** @throws {ClusterError} as {@link writeOnce} */
async function checkFree(file: string): Promise<[]> {
  if ((await readIfThere(file)) !== undefined) throw alreadyExists(file);
  return [];
}

interface JobFile {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly writtenAt: number;
}

async function readIfThere(file: string): Promise<JobFile | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
    return { text, writtenAt: mtimeMs };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw fileError('read', file, error);
  }
}

function alreadyExists(file: string): ClusterError {
  return new ClusterError(`${file} already exists`, { status: 409, reason: 'AlreadyExists' });
}

function fileError(operation: 'read' | 'write', file: string, cause: unknown): ClusterError {
  const reason = String(codeOf(cause) ?? 'unknown error');
  const message = `cannot ${operation} ${file} (OPENFERO_JOBS_DIR): ${reason}`;
  return new ClusterError(message, { status: 500, reason, cause });
}

/** A file that is not a Job of ours has none of the annotations, as a foreign Job on an API server. */
function parseExistingJob(name: string, { text, writtenAt }: JobFile): ExistingJob {
  const annotations = objectAt(objectAt(parseOrNull(text), 'metadata'), 'annotations');
  const createdAt = Math.floor(writtenAt);
  return {
    name,
    finished: true,
    createdAt,
    createdBefore: createdAt,
    remediation: stringAt(annotations, ANNOTATIONS.remediation),
    dedupKey: stringAt(annotations, ANNOTATIONS.dedupKey),
  };
}

function parseOrNull(text: string): unknown {
  try {
    return parseManifest(text);
  } catch {
    return null;
  }
}

function labelled({ metadata: { labels } }: JobManifest): Omit<EndedJob, 'name'> {
  const target = labels[LABELS.target];
  const operarius = labels[LABELS.operarius] ?? '';
  return target === undefined ? { operarius } : { operarius, target };
}

import { link, mkdir, readdir, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject, type JobManifest } from '@openfero/core/kubernetes';
import { ANNOTATIONS, LABELS } from '@openfero/core/labels';
import { parseManifest } from '@openfero/core/yaml';
import { dump } from 'js-yaml';
import { ClusterError, type ExistingJob, type JobOfOperarius, type Jobs } from '../cluster.ts';

/**
 * Jobs as `<name>.yaml` in a folder. Written under another name first and then linked: the name is
 * there once, with all of its text, whoever else writes it and whenever the worker is killed. Nothing
 * runs them, so a Job counts as finished once it is written.
 */
export async function directoryJobs(folder: string): Promise<Jobs> {
  await mkdir(folder, { recursive: true });
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml'));
  const names = new Set(files.map((file) => file.slice(0, -'.yaml'.length)));
  const listeners: ((job: JobOfOperarius) => void)[] = [];
  const fileOf = (name: string): string => join(folder, `${name}.yaml`);

  return {
    async create(job, { dryRun }) {
      const { name } = job.metadata;
      if (dryRun) return checkFree(fileOf(name));
      await writeOnce(fileOf(name), dump(job, { lineWidth: -1, noRefs: true }));
      names.add(name);
      const ended = { name, operarius: operariusOf(job) };
      queueMicrotask(() => {
        for (const listener of listeners) listener(ended);
      });
      return [];
    },
    async get(name) {
      const file = await readIfThere(fileOf(name));
      return file === undefined ? undefined : existing(name, file);
    },
    isOurs: (name) => names.has(name),
    unfinished: () => ({ age: 0, jobs: [] }),
    onEnd: (listener) => void listeners.push(listener),
  };
}

/** @throws {ClusterError} AlreadyExists where the file is there, as an API server says it */
async function writeOnce(file: string, text: string): Promise<void> {
  const draft = `${file}.${crypto.randomUUID()}.draft`;
  try {
    await writeFile(draft, text);
    await link(draft, file);
  } catch (error) {
    throw clusterErrorOf(error, file);
  } finally {
    await unlink(draft).catch(() => undefined);
  }
}

/** @throws {ClusterError} as {@link writeOnce} */
async function checkFree(file: string): Promise<[]> {
  if ((await readIfThere(file)) !== undefined) throw alreadyExists(file);
  return [];
}

function alreadyExists(file: string): ClusterError {
  return new ClusterError(`${file} already exists`, { status: 409, reason: 'AlreadyExists' });
}

function clusterErrorOf(error: unknown, file: string): ClusterError {
  const code = codeOf(error);
  if (code === 'EEXIST') return alreadyExists(file);
  return new ClusterError(`cannot write ${file}: ${code}`, {
    status: 500,
    reason: code,
    cause: error,
  });
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
    const code = codeOf(error);
    if (code === 'ENOENT') return undefined;
    throw new ClusterError(`cannot read ${file}: ${code}`, {
      status: 500,
      reason: code,
      cause: error,
    });
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}

/** A file that is no Job of ours has no annotations: a foreign Job, as on an API server. */
function existing(name: string, { text, writtenAt }: JobFile): ExistingJob {
  const annotations = annotationsOf(text);
  const read = (annotation: string): string | undefined => {
    const value = annotations[annotation];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    name,
    finished: true,
    createdAt: Math.floor(writtenAt),
    remediation: read(ANNOTATIONS.remediation),
    dedupKey: read(ANNOTATIONS.dedupKey),
  };
}

function annotationsOf(text: string): Readonly<Record<string, unknown>> {
  const job = parseOrNull(text);
  const metadata = isObject(job) ? job['metadata'] : undefined;
  const annotations = isObject(metadata) ? metadata['annotations'] : undefined;
  return isObject(annotations) ? annotations : {};
}

function parseOrNull(text: string): unknown {
  try {
    return parseManifest(text);
  } catch {
    return null;
  }
}

function operariusOf({ metadata }: JobManifest): string {
  return metadata.labels[LABELS.operarius] ?? '';
}

import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '@openfero/core/errors';
import { isObject } from '@openfero/core/kubernetes';
import { LABELS } from '@openfero/core/labels';
import { parseManifest } from '@openfero/core/yaml';
import type { Logger } from '@openfero/service/log';
import type { EndedJob, JobEnd } from '../cluster.ts';
import { createdFor } from '../created-for.ts';
import { objectAt, stringAt } from '../json.ts';

/** Milliseconds between two looks at the folder. */
const LOOK_INTERVAL = 1_000;

/** How an end is told: `<name>.succeeded`, or `<name>.failed` with the reason in it. */
const END_FILE = /^(.+)\.(succeeded|failed)$/;

/** The reason of a failure that names none, as of a Job whose every try failed. */
const USUAL_REASON = 'BackoffLimitExceeded';

export interface JobEnds {
  /** The Jobs that have ended, as of the last look. */
  readonly ended: () => Iterable<EndedJob>;
  readonly close: () => void;
}

/**
 * Follows the ends of Jobs in a folder. Nothing runs the Jobs: who plays their part, such as the demo,
 * writes an empty file beside that of the Job.
 *
 * @param tell called once for each end
 */
export function followEnds(folder: string, tell: (job: EndedJob) => void, log: Logger): JobEnds {
  const known = new Map<string, EndedJob>();
  const look = async (): Promise<void> => {
    for (const file of await readdir(folder)) {
      const [, name = '', fate] = END_FILE.exec(file) ?? [];
      if ((fate !== 'succeeded' && fate !== 'failed') || known.has(file)) continue;
      const job = await readEnd(folder, name, fate);
      known.set(file, job);
      tell(job);
    }
  };
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  const keepLooking = async (): Promise<void> => {
    // A file whose Job is not written yet, or a folder that is gone: later.
    await look().catch((error: unknown) =>
      log.debug({ problem: messageOf(error) }, 'cannot read how Jobs ended'),
    );
    if (!isClosed) timer = setTimeout(() => void keepLooking(), LOOK_INTERVAL);
  };
  void keepLooking();
  return {
    ended: () => known.values(),
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

async function readEnd(folder: string, name: string, fate: JobEnd['fate']): Promise<EndedJob> {
  const jobFile = join(folder, `${name}.yaml`);
  const endFile = join(folder, `${name}.${fate}`);
  const [text, { mtimeMs: createdMs }, said, { mtimeMs: endedMs }] = await Promise.all([
    readFile(jobFile, 'utf8'),
    stat(jobFile),
    readFile(endFile, 'utf8'),
    stat(endFile),
  ]);
  const manifest = parseManifest(text);
  const job = isObject(manifest) ? manifest : {};
  const createdAt = Math.floor(createdMs);
  const reason = fate === 'failed' ? said.trim() || USUAL_REASON : '';
  return {
    name,
    operarius: stringAt(objectAt(objectAt(job, 'metadata'), 'labels'), LABELS.operarius) ?? '',
    end: {
      ...createdFor(job),
      // A file has no uid, and its name may be used again once it is deleted.
      ...{ uid: `${name}-${createdAt}`, createdAt, fate, reason, endedAt: Math.floor(endedMs) },
    },
  };
}

import { createInterface } from 'node:readline';
import { LABELS } from '@openfero/core/labels';
import { at, jobsPath } from '@openfero/testkit/controlplane';
import { Pool } from 'undici';
import type { ClusterBed } from './bed.ts';

/** Sees Jobs appear, as any client of the API server would. */
export interface JobWatch {
  /** When the Job of the alert with that fingerprint was seen: milliseconds of performance.now(). */
  seen(fingerprint: string): Promise<number>;
  /** Rejects once nothing has been seen for a while: an alert without a Job would be waited for for ever. */
  readonly lost: Promise<never>;
  close(): Promise<void>;
}

const ACCEPT = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';

const PATIENCE_MS = 30_000;

export async function watchJobs(bed: ClusterBed, namespace: string): Promise<JobWatch> {
  const pool = new Pool(bed.plane.url, {
    allowH2: false,
    bodyTimeout: 0,
    connect: { ca: bed.plane.ca },
  });
  const headers = { authorization: `Bearer ${bed.token}`, accept: ACCEPT };
  // From now on: to be told of thousands that are there would delay the first that are not.
  const list = await bed.plane.request('GET', `${jobsPath(namespace)}?limit=1`);
  const version = String(at(list.body, 'metadata', 'resourceVersion'));
  const query = `watch=true&timeoutSeconds=3600&resourceVersion=${version}`;
  const path = `${jobsPath(namespace)}?${query}`;
  const { body } = await pool.request({ method: 'GET', path, headers });
  body.on('error', () => {});
  const jobs = new Map<string, PromiseWithResolvers<number>>();
  const of = (fingerprint: string): PromiseWithResolvers<number> => {
    const one = jobs.get(fingerprint) ?? Promise.withResolvers<number>();
    jobs.set(fingerprint, one);
    return one;
  };
  const { promise: lost, reject } = Promise.withResolvers<never>();
  lost.catch(() => {});
  const patience = setTimeout(() => reject(new Error('no Job was seen for long')), PATIENCE_MS);
  createInterface({ input: body })
    .on('line', (line) => {
      patience.refresh();
      const now = performance.now();
      const fingerprint = fingerprintIn(line);
      if (fingerprint !== undefined) of(fingerprint).resolve(now);
    })
    .on('error', () => {});
  return {
    seen: (fingerprint) => of(fingerprint).promise,
    lost,
    async close() {
      clearTimeout(patience);
      await pool.destroy();
    },
  };
}

function fingerprintIn(line: string): string | undefined {
  const event: unknown = JSON.parse(line);
  const label = at(event, 'object', 'metadata', 'labels', LABELS.fingerprint);
  return typeof label === 'string' && at(event, 'type') === 'ADDED' ? label : undefined;
}

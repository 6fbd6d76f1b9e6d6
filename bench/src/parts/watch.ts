import { createInterface } from 'node:readline';
import { LABELS } from '@openfero/core/labels';
import { at, jobsPath } from '@openfero/testkit/controlplane';
import { Pool } from 'undici';
import type { ClusterTestbed } from './testbed.ts';

/** Watches Jobs appear, as any client of the API server would. */
export interface JobWatch {
  /** When the Job for the fingerprint was seen, by performance.now(). */
  seen(fingerprint: string): Promise<number>;
  /** Rejects if no Job is seen for a while: waiting for a Job that never comes must end. */
  readonly lost: Promise<never>;
  close(): Promise<void>;
}

const ACCEPT = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';

const PATIENCE_MS = 30_000;

export async function watchJobs(testbed: ClusterTestbed, namespace: string): Promise<JobWatch> {
  const pool = new Pool(testbed.plane.url, {
    allowH2: false,
    bodyTimeout: 0,
    connect: { ca: testbed.plane.ca },
  });
  const headers = { authorization: `Bearer ${testbed.token}`, accept: ACCEPT };
  // From now on: sending the thousands that exist would delay the first new one.
  const list = await testbed.plane.request('GET', `${jobsPath(namespace)}?limit=1`);
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
  const patience = setTimeout(() => reject(new Error('no Job was seen for 30 s')), PATIENCE_MS);
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

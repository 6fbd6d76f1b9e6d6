import { describeImage } from '../parts/image.ts';
import { figureOf, isMet, type Row } from '../row.ts';
import type { Machine } from './machine.ts';

/** The results of one run. */
export interface Report {
  readonly machine: Machine;
  readonly quick: boolean;
  readonly date: Date;
  readonly rows: readonly Row[];
  /** Benchmarks that failed. */
  readonly failures: readonly string[];
}

export const missesOf = ({ rows }: Report): Row[] => rows.filter((row) => isMet(row) === false);

/** The conditions under which the figures were measured. */
export const CONDITIONS = [
  'Limits on active Jobs are off. Redis: appendonly yes, appendfsync always. Concurrency: 64 remediations per worker, 64 bare creates, 32 notifications (8 if they hold 100 alerts).',
  'The control plane has no controllers (Jobs start no Pods), and its etcd does not fsync. Both raise the limit, not our figures.',
  `Node programs run as in the image, with a compile cache. A worker, and what it is compared with, as with ${describeImage('worker')}.`,
  'API server, etcd, Redis, receiver, worker and sender share the cores.',
];

export function toJson(report: Report): string {
  const rows = report.rows.map((row) => {
    const { value, limit, ratio } = figureOf(row);
    return {
      ...row,
      median: value,
      ...(row.limit !== undefined && { limitMedian: limit, ratio }),
      ...(row.goal !== undefined && { goal: row.goal.text, met: isMet(row) }),
    };
  });
  return `${JSON.stringify({ ...report, conditions: CONDITIONS, rows }, null, 2)}\n`;
}

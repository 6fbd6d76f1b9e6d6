import { figureOf, isMet, type Row } from '../row.ts';
import type { Machine } from './machine.ts';

/** All that one run has found. */
export interface Report {
  readonly machine: Machine;
  readonly quick: boolean;
  readonly date: Date;
  readonly rows: readonly Row[];
  /** Benchmarks that could not be run to their end. */
  readonly failures: readonly string[];
}

export const missesOf = ({ rows }: Report): Row[] => rows.filter((row) => isMet(row) === false);

/** What has to be known to read the figures. */
export const CONDITIONS = [
  'Limits of active Jobs are off. Redis: appendonly yes, appendfsync always. Remediations in hand, and bare creates in flight: 64; notifications: 32, of 100 alerts 8.',
  'The control plane has no controllers (no pods are made of the Jobs), and its etcd does not fsync: both make the limit higher, not ours.',
  "Programs of Node run as in the image within 384 MiB: NODE_OPTIONS='--max-old-space-size=153 --max-semi-space-size=16', compiled once.",
  'Everything shares the cores: API server, etcd, Redis, receiver, worker and the sender.',
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

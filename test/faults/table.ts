import type { Promised } from './fault.ts';
import type { Report } from './run.ts';

/** Seconds. What is promised of each recovery. */
const PROMISED: Readonly<Record<Promised, number>> = {
  'killed worker': 20,
  'Redis back': 5,
  'API server back': 5,
};

/** Bytes that a service may hold on to beyond those of its start: a worker knows all Jobs by name. */
const GROWTH = 32 * 1024 * 1024;

/** What a person reads of a run, as Markdown. */
export function tables(report: Report): string {
  const { played, evidence, verdict, episodes, emptied } = report;
  const acknowledged = evidence.sender.acknowledged.reduce(
    (sum, one) => sum + one.alerts.length,
    0,
  );
  const ends = [...evidence.endings.values()].map((all) => all.at(-1)?.end ?? 'unknown');
  const absorbed =
    acknowledged - evidence.sender.acknowledged.reduce((sum, { queued }) => sum + queued, 0);
  return [
    table('result', [
      ['seed', report.seed],
      ['faults', played.happened.length],
      ['alerts acknowledged', acknowledged],
      ['tries refused or unanswered', [...report.refusals].map((one) => one.join(': ')).join(', ')],
      ['of the alerts, absorbed by a remediation that was there', absorbed],
      ['remediations that ended', ends.length],
      ['Jobs in the cluster', evidence.jobs.length],
      ['outcomes `created`', ends.filter((end) => end === 'created').length],
      ['distinct episodes that ran', episodes],
      ['ends that no log tells of (their worker was killed)', untold(report)],
      ['remediations that people retried, removed', people(report)],
      ['**lost**', verdict.lost.length],
      ['**doubled**', verdict.doubled.length],
      ['wrong in another way', verdict.wrong.length + played.problems.length],
      ['Redis emptied: Jobs deleted, made once more', `${emptied.deleted}, ${emptied.again}`],
    ]),
    table('outcome', [...counted(ends)]),
    table('fault', [...counted(played.happened.map(({ name }) => name))]),
    table('recovery: times, longest (s), promised (s)', recoveries(report)),
    table('service: MiB of heap after a collection, at the start and at the end', memory(report)),
  ].join('\n\n');
}

/** Everything that makes a run a failure. */
export function failures({
  verdict,
  played,
  evidence,
  episodes,
  emptied,
  ...report
}: Report): string[] {
  const created = [...evidence.endings.values()].filter((all) => all.at(-1)?.end === 'created');
  const counts = [evidence.jobs.length, created.length, episodes];
  return [
    ...verdict.lost.map((text) => `lost: ${text}`),
    ...verdict.doubled.map((text) => `doubled: ${text}`),
    ...verdict.wrong.map((text) => `wrong: ${text}`),
    ...played.problems,
    ...emptied.problems,
    ...(new Set(counts).size > 1 ? [`Jobs, created, episodes differ: ${counts.join(', ')}`] : []),
    ...played.recoveries
      .filter(({ of, ms }) => ms > 1000 * PROMISED[of])
      .map(({ of, ms }) => `${of}: ${ms} ms, promised are ${PROMISED[of]} s`),
    ...leaks(report.usage),
  ];
}

function leaks({ before, after }: Report['usage']): string[] {
  const grown = [...after.heap].filter(
    ([name, heap]) => heap > (before.heap.get(name) ?? 0) + GROWTH,
  );
  const more = [...after.connections].filter(
    ([name, count]) => count !== (before.connections.get(name) ?? 0),
  );
  return [
    ...grown.map(([name, heap]) => `the heap of ${name} has grown to ${mib(heap)} MiB`),
    ...more.map(([name, n]) => `${name}: ${n} connections, ${before.connections.get(name)} before`),
    ...(after.watches === before.watches
      ? []
      : [`${after.watches} open watches, ${before.watches} before`]),
  ];
}

function untold({ evidence }: Report): number {
  const ends = [...evidence.endings.values()].reduce((sum, all) => sum + all.length, 0);
  return ends - [...evidence.told.values()].reduce((sum, times) => sum + times, 0);
}

function people({ evidence: { endings, people: by } }: Report): string {
  const again = [...endings.values()].filter((all) => all.length > 1).length;
  return `${again}, ${by.removed.size}`;
}

function recoveries({ played }: Report): [string, string][] {
  return Object.entries(PROMISED).map(([of, promised]) => {
    const times = played.recoveries.filter((one) => one.of === of).map(({ ms }) => ms / 1000);
    const longest = times.length === 0 ? '-' : Math.max(...times).toFixed(1);
    return [of, `${times.length}, ${longest}, ${promised}`];
  });
}

function memory({ usage }: Report): [string, string][] {
  return [...usage.after.heap].map(([name, heap]) => [
    name,
    `${mib(usage.before.heap.get(name) ?? 0)}, ${mib(heap)}`,
  ]);
}

const mib = (bytes: number): number => Math.round(bytes / 1024 / 1024);

function counted(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of [...names].sort()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function table(title: string, rows: readonly (readonly [string, string | number])[]): string {
  return [`| ${title} | |`, '|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');
}

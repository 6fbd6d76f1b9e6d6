import type { Recovery } from './fault.ts';
import type { Report } from './run.ts';

/** Seconds that a recovery may take. */
const LIMITS: Readonly<Record<Recovery, number>> = {
  'killed worker': 20,
  'Redis back': 5,
  'API server back': 5,
};

/** Bytes by which a heap may grow: a worker remembers the names of all Jobs. */
const GROWTH = 32 * 1024 * 1024;

/** The results of a run as Markdown. */
export function tables(report: Report): string {
  const { injected, evidence, findings, episodes, emptyRedis } = report;
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
      ['faults', injected.past.length],
      ['alerts acknowledged', acknowledged],
      [
        'requests refused or unanswered',
        [...report.refusals].map((one) => one.join(': ')).join(', '),
      ],
      ['alerts absorbed by an existing remediation', absorbed],
      ['remediations that ended', ends.length],
      ['Jobs in the cluster', evidence.jobs.length],
      ['fates told of Jobs', evidence.told.fates.length],
      ['outcomes `created`', ends.filter((end) => end === 'created').length],
      ['distinct episodes that ran', episodes],
      ['ends missing in the logs (the worker was killed)', unlogged(report)],
      ['remediations retried, removed by a person', people(report)],
      ['**lost**', findings.lost.length],
      ['**doubled**', findings.doubled.length],
      ['**closer than the cooldown**', findings.closer.length],
      ['other failures', findings.wrong.length + injected.problems.length],
      [
        'after Redis was emptied: Jobs deleted before, created again',
        `${emptyRedis.deleted}, ${emptyRedis.again}`,
      ],
    ]),
    table('outcome', [...counted(ends)]),
    table('fault', [...counted(injected.past.map(({ name }) => name))]),
    table('recovery: count, longest (s), limit (s)', recoveries(report)),
    table('service: heap after garbage collection (MiB), at the start, at the end', memory(report)),
  ].join('\n\n');
}

/** Every reason why the run failed. */
export function failures({
  findings,
  injected,
  evidence,
  episodes,
  emptyRedis,
  ...report
}: Report): string[] {
  const created = [...evidence.endings.values()].filter((all) => all.at(-1)?.end === 'created');
  const counts = [evidence.jobs.length, created.length, episodes];
  return [
    ...findings.lost.map((text) => `lost: ${text}`),
    ...findings.doubled.map((text) => `doubled: ${text}`),
    ...findings.closer.map((text) => `closer than the cooldown: ${text}`),
    ...findings.wrong.map((text) => `wrong: ${text}`),
    ...injected.problems,
    ...emptyRedis.problems,
    ...(new Set(counts).size > 1
      ? [`the numbers of Jobs, created outcomes and episodes differ: ${counts.join(', ')}`]
      : []),
    ...injected.recoveries
      .filter(({ of, ms }) => ms > 1000 * LIMITS[of])
      .map(({ of, ms }) => `${of}: took ${ms} ms, the limit is ${LIMITS[of]} s`),
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
    ...grown.map(([name, heap]) => `the heap of ${name} grew to ${mib(heap)} MiB`),
    ...more.map(([name, n]) => `${name}: ${n} connections, ${before.connections.get(name)} before`),
    ...(after.watches === before.watches
      ? []
      : [`${after.watches} open watches, ${before.watches} before`]),
  ];
}

function unlogged({ evidence }: Report): number {
  const ends = [...evidence.endings.values()].reduce((sum, all) => sum + all.length, 0);
  return ends - [...evidence.logged.values()].reduce((sum, times) => sum + times, 0);
}

function people({ evidence: { endings, people: by } }: Report): string {
  const again = [...endings.values()].filter((all) => all.length > 1).length;
  return `${again}, ${by.removed.size}`;
}

function recoveries({ injected }: Report): [string, string][] {
  return Object.entries(LIMITS).map(([of, limit]) => {
    const times = injected.recoveries.filter((one) => one.of === of).map(({ ms }) => ms / 1000);
    const longest = times.length === 0 ? '-' : Math.max(...times).toFixed(1);
    return [of, `${times.length}, ${longest}, ${limit}`];
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

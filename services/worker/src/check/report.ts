import type { Cluster } from '@openfero/cluster/cluster';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { type Finding, textOf } from '@openfero/core/operarius';
import type { Logger } from '@openfero/service/log';
import type { CheckResult } from './dry-run.ts';

/** Who is told of a check: the log, and the author on the ConfigMap. */
export interface Reported {
  readonly cluster: Pick<Cluster, 'events'>;
  readonly log: Logger;
}

/** Of one operarius: who mends these sees the rest at the next check. */
const MAX_WARNINGS = 20;

/** What no dry run can find: stated, so that the check does not seem to cover more than it does. */
const UNSEEN =
  'Not checked: whether its ServiceAccount and Secrets exist, and its size with a large alert.';

export function reportCheck(
  { metadata }: ConfigMap,
  result: CheckResult,
  { cluster, log }: Reported,
): void {
  const { name: operarius } = metadata;
  if (result.problem !== undefined) {
    const { problem } = result;
    log.error({ operarius, problem }, 'operarius is invalid and will not run');
    cluster.events.record(metadata, 'InvalidOperarius', problem);
    return;
  }
  const { runsFor, findings } = result;
  const warnings = warningsOf(findings);
  if (warnings.length === 0) {
    log.info({ operarius, runsFor }, 'operarius is valid');
    cluster.events.record(metadata, 'OperariusValid', `It will run for ${runsFor}. ${UNSEEN}`);
    return;
  }
  log.warn({ operarius, runsFor, warnings }, 'operarius is valid, with warnings');
  const message = `It will run for ${runsFor}, with warnings: ${warnings.join('; ')}`;
  cluster.events.record(metadata, 'OperariusWarning', message);
}

/** What is said of one ConfigMap: its name need not be said once more. */
export function warningsOf(findings: readonly Finding[]): string[] {
  const texts = new Set(findings.map((finding) => textOf({ ...finding, place: '' })));
  return [...texts].slice(0, MAX_WARNINGS);
}

/** The lines that a start may write: more of them would be read by nobody. */
const MAX_REPEATED = 20;

/** Says again at the start of a worker what is wrong: the log of the worker that found it may be gone. */
export function repeatProblems(
  problems: readonly (readonly [operarius: string, problem: string])[],
  log: Logger,
): void {
  for (const [operarius, problem] of problems.slice(0, MAX_REPEATED)) {
    log.error({ operarius, problem }, 'operarius is still invalid and will not run');
  }
  const more = problems.length - MAX_REPEATED;
  if (more > 0) log.error(`${more} more operarii are still invalid: see openfero_operarius_valid`);
}

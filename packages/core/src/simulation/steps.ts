import { REFUSED_STEPS } from '../decisions/refused.ts';
import { tooLate } from '../decisions/timeliness.ts';
import { WANTED_STEPS } from '../decisions/wanted.ts';
import { formatDuration } from '../duration.ts';
import { type Trouble, troubleOf } from '../identity/trouble.ts';
import type { JobManifest } from '../kubernetes.ts';
import { ANNOTATIONS } from '../labels.ts';
import type { Operarius } from '../operarius/operarius.ts';
import type { Remediation } from '../redis/remediation.ts';
import { renderJob } from '../render/render-job.ts';
import { afterFiring } from './after-firing.ts';
import { type Attempt, asks, type Facts } from './attempt.ts';
import { consult } from './episode.ts';
import { isLimited } from './limits.ts';
import { type Decision, type Step, Walk } from './walk.ts';

export interface Decided {
  /** The ConfigMap's name; empty where there is none. */
  readonly operarius: string;
  readonly steps: readonly Step[];
  readonly decision: Decision;
}

/**
 * Decides about a remediation as the worker does, step by step, with the same functions and in the same
 * order; test/model holds it against the worker. It does nothing: what is decided is the caller's to do.
 */
export function decide(remediation: Remediation, facts: Facts): Decided {
  const { alert } = remediation;
  const steps: Step[] = [];
  const walk = new Walk(steps);
  const operarius = findOperarius(remediation, facts, walk);
  const name = operarius?.name ?? facts.registry.nameFor(alert);
  if (operarius !== undefined) {
    const attempt = { remediation, operarius, facts, walk };
    for (const part of [wanted, afterFiring, inTime, create])
      if (walk.decision === undefined) part(attempt);
  }
  const decision = walk.decision ?? { kind: 'end', outcome: 'unreadable', reason: '' };
  return { operarius: name, steps, decision };
}

function findOperarius(
  { alert }: Remediation,
  { registry }: Facts,
  walk: Walk,
): Operarius | undefined {
  const found = walk.reads('operarius', () => registry.find(alert));
  if (found === undefined) return undefined;
  if (found.operarius === undefined) {
    walk.decides('operarius', { kind: 'end', outcome: 'no-operarius', reason: found.reason });
    return undefined;
  }
  const { namespace, name } = found.operarius;
  walk.passes('operarius', `ConfigMap ${namespace}/${name}`);
  return found.operarius;
}

function wanted({ remediation: { alert }, operarius, facts, walk }: Attempt): void {
  const { registry, settings } = facts;
  const { jobNamespace } = settings;
  for (const step of WANTED_STEPS) {
    const result = step.decide({ alert, operarius, registry, jobNamespace });
    if (result.kind === 'ends') {
      walk.decides(step.name, { ...result, kind: 'end' });
      return;
    }
    walk.passes(step.name, result.reason);
  }
}

function inTime({ remediation, operarius: { policy }, facts, walk }: Attempt): void {
  const late = tooLate(remediation, policy, facts.state, facts.now);
  if (late !== undefined) walk.decides('age', { ...late, kind: 'end' });
  else walk.passes('age', `it is younger than max-age ${formatDuration(policy.maxAge)}`);
}

function create(attempt: Attempt): void {
  const { remediation, operarius, facts, walk } = attempt;
  if (facts.registry.modeOf(operarius) === 'dry-run') {
    const manifest = rendered(attempt, troubleOf(remediation, operarius));
    if (manifest === undefined) return;
    const reason = `would create Job ${manifest.metadata.name}`;
    walk.decides('job', { kind: 'end', outcome: 'dry-run', reason, manifest });
    return;
  }
  const trouble = consult(attempt);
  if (trouble === undefined || isRefused(attempt, trouble)) return;
  const manifest = rendered(attempt, trouble);
  if (manifest === undefined || isLimited(attempt)) return;
  const job = manifest.metadata.name;
  const until = manifest.metadata.annotations[ANNOTATIONS.approvalUntil];
  const waits = asks(attempt) ? ` suspended: a person can release it until ${until}` : '';
  walk.decides('job', {
    ...{ kind: 'end', outcome: 'created', reason: `creates Job ${job}${waits}` },
    ...{ manifest, trouble, job },
    asks: asks(attempt),
  });
}

/** Whether bad runs have stopped the operarius, or its trouble comes back too often. */
function isRefused(attempt: Attempt, { troubleKey }: Trouble): boolean {
  const { remediation, operarius, facts, walk } = attempt;
  const look = {
    stopped: facts.stoppedOf(operarius.name),
    creations: facts.creationsOf(troubleKey),
    now: facts.now,
  };
  for (const step of REFUSED_STEPS) {
    const reason = step.why({ operarius, remediation, look });
    if (reason !== undefined) {
      walk.decides(step.name, { kind: 'end', outcome: 'stopped', reason });
      return true;
    }
    walk.passes(step.name, step.otherwise);
  }
  return false;
}

function rendered(attempt: Attempt, trouble: Trouble): JobManifest | undefined {
  const { remediation, operarius, facts, walk } = attempt;
  const identity = { ...trouble, n: 0 };
  const { approvalTimeout } = operarius.policy;
  const answerBy = asks(attempt) ? facts.now + approvalTimeout : undefined;
  const found = walk.reads('manifest', () =>
    renderJob({ operarius, remediation, identity, answerBy }, facts.settings),
  );
  if (found === undefined) return undefined;
  const { job, warnings } = found;
  const warned = warnings.length === 0 ? '' : `; warnings: ${warnings.join('; ')}`;
  walk.passes('manifest', `it renders Job ${job.metadata.name}${warned}`);
  return job;
}

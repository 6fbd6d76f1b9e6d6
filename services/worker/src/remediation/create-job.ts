import { ClusterError } from '@openfero/cluster/cluster';
import { isRefusal } from '@openfero/cluster/rejection';
import { dedupKeyText } from '@openfero/core/identity/trouble';
import type { JobManifest } from '@openfero/core/kubernetes';
import { ANNOTATIONS } from '@openfero/core/labels';
import type { Rendered } from '@openfero/core/render';
import { renderJob } from '@openfero/core/render/render-job';
import { LOCK_TRUST } from '../redis/lock.ts';
import { askAlertmanager } from './ask-alertmanager.ts';
import { type Attempt, type AttemptResult, end } from './attempt.ts';
import { claimJob, giveBack, giveBackFirst, type Known } from './claim.ts';
import { endWithExisting, MAX_NAMES } from './existing-job.ts';
import { keptManifest } from './kept-manifest.ts';
import { Ended } from './verdict.ts';

/** What became of the Job's name, or of one of its names. */
export type CreateResult =
  /** The API server, a limit or a claim has answered for this episode. */
  | { readonly kind: 'settled'; readonly result: AttemptResult }
  /** What was looked at has changed: look again. */
  | { readonly kind: 'outdated' };

type NameResult =
  | CreateResult
  /** A Job of another trouble, or one that OpenFero did not create, has the name. */
  | { readonly kind: 'taken' };

/**
 * Claims the trouble and creates the Job under the episode's name. The name is the same for every
 * worker and every attempt, so the API server accepts one of them.
 *
 * @param known what Redis knew when it was decided that the Job is needed
 * @throws what verdict.ts decides about
 */
export async function createJob(attempt: Attempt, known: Known): Promise<CreateResult> {
  for (let n = 0; n < MAX_NAMES; n++) {
    const named = await createUnderName(attempt, n, known);
    if (named.kind !== 'taken') return named;
  }
  throw allNamesTaken(attempt);
}

/** @param n which of the episode's names */
async function createUnderName(attempt: Attempt, n: number, known: Known): Promise<NameResult> {
  const rendered = await renderOrGiveBack(attempt, n, known);
  const { name } = rendered.job.metadata;
  const claimed = await claimJob(attempt, name, known);
  if (claimed.kind !== 'claimed') return claimed;
  const unwanted = await askOrGiveBack(attempt, name);
  if (unwanted !== undefined) return { kind: 'settled', result: unwanted };
  await attempt.delivery.confirmLock();
  // What was taken longer ago may count as left over: see AHEAD_OF_WATCH.
  if (performance.now() - claimed.askedAt > LOCK_TRUST) {
    const again = await claimJob(attempt, name, { look: known.look });
    if (again.kind !== 'claimed') return again;
  }
  const warnings = await submit(attempt, rendered);
  if (warnings !== undefined) {
    const result = await endAsCreated(attempt, rendered.job, {
      createdAfter: claimed.now,
      warnings,
    });
    return { kind: 'settled', result };
  }
  const existing = await attempt.deps.cluster.jobs.get(name);
  if (existing?.dedupKey === dedupKeyText(attempt)) {
    return { kind: 'settled', result: await endWithExisting(attempt, existing) };
  }
  await giveBack(attempt, name);
  return { kind: existing === undefined ? 'outdated' : 'taken' };
}

/** Asked once it has its place, so that it is asked for what is about to run only, and not for what is held. */
async function askOrGiveBack(attempt: Attempt, name: string): Promise<AttemptResult | undefined> {
  const { alertmanagers } = attempt.deps;
  if (alertmanagers === undefined) return undefined;
  let unwanted: AttemptResult | undefined;
  try {
    unwanted = await askAlertmanager(attempt, alertmanagers);
  } catch (error) {
    await giveBack(attempt, name);
    throw error;
  }
  if (unwanted !== undefined) await giveBack(attempt, name);
  return unwanted;
}

/** @returns the warnings about the new Job, or undefined where one of that name exists */
async function submit(
  attempt: Attempt,
  { job, warnings }: Rendered,
): Promise<readonly string[] | undefined> {
  const { deps, delivery } = attempt;
  const { name, namespace } = job.metadata;
  const span = {
    name: 'create Job',
    kind: 'client',
    parent: delivery.traceparent,
    attributes: { 'k8s.job.name': name, 'k8s.namespace.name': namespace },
  } as const;
  try {
    const more = await deps.tracing.run(span, () =>
      deps.cluster.jobs.create(job, { dryRun: false }),
    );
    return [...warnings, ...more];
  } catch (error) {
    if (isAlreadyThere(error)) return undefined;
    // A refusal is certain: there is no Job. After any other error there may be one.
    if (isRefusal(error)) await giveBack(attempt, name);
    throw error;
  }
}

function isAlreadyThere(error: unknown): boolean {
  return error instanceof ClusterError && error.reason === 'AlreadyExists';
}

async function endAsCreated(
  { delivery, deps, operarius, troubleKey, episode }: Attempt,
  { metadata }: JobManifest,
  { createdAfter, warnings }: { createdAfter: number; warnings: readonly string[] },
): Promise<AttemptResult> {
  await delivery.confirmLock();
  const remediation = delivery.remediation.id;
  const { name: job, annotations } = metadata;
  await deps.memory.remember(troubleKey, { episode, remediation, job, createdAfter });
  const until = annotations[ANNOTATIONS.approvalUntil];
  const reason =
    until === undefined ? 'created' : `created suspended: a person can release it until ${until}`;
  return end('created', operarius.name, reason, { job, warnings });
}

/** Asks the API server whether it would accept the Job. Leaves nothing: no Job, no place, no memory. */
export async function dryRunJob(attempt: Attempt): Promise<AttemptResult> {
  const { job, warnings } = renderFor(attempt, 0, undefined);
  const { name } = job.metadata;
  try {
    const more = await attempt.deps.cluster.jobs.create(job, { dryRun: true });
    return end('dry-run', attempt.operarius.name, `would create Job ${name}`, {
      warnings: [...warnings, ...more],
      ...keptManifest(job),
    });
  } catch (error) {
    if (!isAlreadyThere(error)) throw error;
    const reason = `would create no Job: ${name} already exists`;
    return end('dry-run', attempt.operarius.name, reason, { warnings, ...keptManifest(job) });
  }
}

/** A template that cannot be rendered must not keep a place, or a claim. */
async function renderOrGiveBack(attempt: Attempt, n: number, known: Known): Promise<Rendered> {
  try {
    const { approvalTimeout } = attempt.operarius.policy;
    return renderFor(attempt, n, attempt.asks ? known.look.now + approvalTimeout : undefined);
  } catch (error) {
    await giveBackFirst(attempt, known);
    throw error;
  }
}

/** @param n which of the episode's names @param answerBy see {@link JobSource} */
function renderFor(
  { deps, delivery, operarius, troubleKey, episode }: Attempt,
  n: number,
  answerBy: number | undefined,
): Rendered {
  const identity = { troubleKey, episode, n };
  const { serviceAccount: ownServiceAccount } = deps.cluster;
  return renderJob(
    { operarius, remediation: delivery.remediation, identity, answerBy },
    { ...deps.settings, ownServiceAccount },
  );
}

function allNamesTaken({ operarius }: Attempt): Ended {
  return new Ended(
    'rejected',
    `ConfigMap ${operarius.name}: Jobs that OpenFero did not create have all ${MAX_NAMES} names of this episode: give the template another name`,
  );
}

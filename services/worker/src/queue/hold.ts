import { isDeepStrictEqual } from 'node:util';
import type { Alert } from '@openfero/core/alert';
import { encodeEntry } from '@openfero/core/history/encode';
import { targetOf } from '@openfero/core/identity/target';
import type { Operarius } from '@openfero/core/operarius';
import type { HeldReason } from '@openfero/core/outcome';
import type { Remediation } from '@openfero/core/redis/remediation';
import type { Held } from '../redis/holding.ts';
import type { AttemptResult, Delivery, Dependencies } from '../remediation/attempt.ts';
import { whyHeld } from '../remediation/why-held.ts';
import { expectedName, putBack, type RemediationJob } from './delivery.ts';

/** A remediation that has just begun to wait. */
export interface HeldNow {
  readonly remediation: Remediation;
  /** The ConfigMap's name. */
  readonly operarius: string;
  readonly reason: HeldReason;
  /** The limit, and the Jobs that reached it. */
  readonly by: string;
}

/**
 * Stores why the remediation is held, and delays it.
 *
 * @returns what people should be told, unless it was held for this reason before
 */
export async function hold(
  job: RemediationJob,
  token: string,
  { reason, until, remediation }: AttemptResult & { kind: 'hold' },
  { delivery, deps }: { readonly delivery: Delivery; readonly deps: Dependencies },
): Promise<HeldNow | undefined> {
  const now = await deps.memory.now();
  const { held } = remediation;
  const { operarius } = deps.registry.find(remediation.alert);
  const name = operarius?.name ?? expectedName(remediation.alert);
  const isNew = held?.reason !== reason;
  const by =
    isNew && operarius !== undefined
      ? await whyHeld(reason, { operarius, alert: remediation.alert }, deps)
      : held?.by;
  const since = isNew ? now : held.since;
  const isNamed = name !== expectedName(remediation.alert);
  const why = {
    reason,
    since,
    ...(by !== undefined && { by }),
    ...(isNamed && { operarius: name }),
    ...waitsFor(reason, remediation.alert, operarius),
  };
  const changed = { ...remediation, held: why };
  if (!isDeepStrictEqual(changed, job.data)) await delivery.save(changed);
  const news = isNew && by !== undefined ? { remediation, operarius: name, reason, by } : undefined;
  // First: once it is delayed, another worker may end it, and say so.
  await appendHeld(news, { at: now, until }, { delivery, deps });
  const delayed = await putBack(job, token, Math.max(0, until - now));
  if (!delayed) return undefined;
  const recorded: Held = {
    reason,
    remediation: remediation.id,
    operarius: name,
    target: why.target,
  };
  await deps.places.hold(recorded, { since, until });
  return news;
}

/** The target that holds a remediation. */
function waitsFor(
  reason: HeldReason,
  alert: Alert,
  operarius: Operarius | undefined,
): { readonly target?: string } {
  const target = operarius && reason === 'target' ? targetOf(alert, operarius.policy) : undefined;
  return target === undefined ? {} : { target: target.digest };
}

async function appendHeld(
  news: HeldNow | undefined,
  times: { readonly at: number; readonly until: number },
  { delivery, deps }: { readonly delivery: Delivery; readonly deps: Dependencies },
): Promise<void> {
  if (news === undefined) return;
  const { remediation, ...held } = news;
  const { status, fingerprint, startsAt, labels } = remediation.alert;
  const alertname = labels['alertname'] ?? '';
  const subject = { id: remediation.id, alertname, status, fingerprint, startsAt };
  const entry = encodeEntry({ kind: 'held', ...subject, ...held, ...times });
  await deps.places.appendHeld(delivery.entry, entry);
}

/**
 * Delays a remediation that only a newer worker can read. As long as it waits, repeats of its alert must
 * not be absorbed by it: a worker of this version would never run them.
 *
 * @param delay milliseconds
 * @returns whether it is the first time
 */
export async function holdNewer(
  job: RemediationJob,
  token: string,
  delay: number,
  { memory, places }: Dependencies,
): Promise<boolean> {
  await job.removeDeduplicationKey();
  if (!(await putBack(job, token, delay))) return false;
  const held: Held = { reason: 'newer-payload', remediation: job.id ?? '', operarius: '' };
  const since = await memory.now();
  return places.hold(held, { since, until: since + delay });
}

import { alertOfJob, isAlertmanagers } from '@openfero/core/decisions/alertmanager-question';
import { effectByAlertmanager, effectByState } from '@openfero/core/decisions/effect';
import { encodeEntry } from '@openfero/core/history/encode';
import { NEVER, parseInstant } from '@openfero/core/instant';
import { definitionDigest } from '@openfero/core/operarius/definition';
import type { Effect } from '@openfero/core/outcome';
import {
  type DueEffect,
  EFFECTS_AT_ONCE,
  effectsKey,
  readDueEffect,
  SETTLE_EFFECT,
  settleArguments,
  TAKE_EFFECTS,
} from '@openfero/core/redis/effects';
import { fateField } from '@openfero/core/redis/fates';
import { readTime } from '@openfero/core/redis/memory';
import { stoppedKey } from '@openfero/core/redis/stopped';
import type { RunVerdict } from '@openfero/core/redis/verdicts';
import { script } from '@openfero/service/script';
import { policyOf } from '../check/policy-of.ts';
import { startLooking } from '../redis/looking.ts';
import { stopPolicy } from './ended-run.ts';
import type { Judging } from './judging.ts';
import { createRearming } from './rearm.ts';
import { tellStopped } from './tell.ts';

/** Milliseconds between two looks at what is due. */
const JUDGE_INTERVAL = 5_000;

/**
 * Judges whether Jobs helped, each once over all workers, and re-arms the operarii whose stop is over.
 *
 * @param interval milliseconds between two looks
 * @returns what stops it
 */
export function startJudging(judging: Judging, interval = JUDGE_INTERVAL): () => void {
  const { redis, watch, log, settings } = judging;
  const { prefix } = settings;
  const takeScript = script(redis, TAKE_EFFECTS);
  const rearm = createRearming(judging);
  const settle = createSettling(judging);

  const look = async (): Promise<void> => {
    for (let due = EFFECTS_AT_ONCE; due === EFFECTS_AT_ONCE; ) {
      const answer = await takeScript([effectsKey(prefix), stoppedKey(prefix)], []);
      const { now, effects, stopped } = readTaken(answer);
      await Promise.all(effects.map((effect) => settle(effect, now)));
      await rearm(stopped, now);
      due = effects.length;
    }
  };
  const failed = (error: unknown): void => {
    if (!watch.note(error)) log.warn({ err: error }, 'effects were not judged, will be retried');
  };
  return startLooking(redis, { look, failed, interval });
}

interface Taken {
  readonly now: number;
  readonly effects: readonly string[];
  readonly stopped: ReadonlyMap<string, string>;
}

function readTaken(answer: unknown): Taken {
  const [seconds, micros, effects, flat] = Array.isArray(answer) ? answer : [];
  const fields = textsOf(flat);
  const names = fields.filter((_, index) => index % 2 === 0);
  return {
    now: readTime([seconds, micros]),
    effects: textsOf(effects),
    stopped: new Map(names.map((name, index) => [name, fields[2 * index + 1] ?? ''])),
  };
}

const textsOf = (values: unknown): string[] =>
  Array.isArray(values) ? values.filter((value) => typeof value === 'string') : [];

function createSettling(judging: Judging): (text: string, now: number) => Promise<void> {
  const { redis, settings } = judging;
  const { prefix, historyCount: count } = settings;
  const settleScript = script(redis, SETTLE_EFFECT);
  return async (text, now) => {
    const due = readDueEffect(text);
    if (due === undefined) return void (await redis.zrem(effectsKey(prefix), text));
    const effect = await effectOf(due, judging, now);
    if (effect === 'later') return;
    const run = runOf(due, effect, judging);
    const field = fateField(isKnown(due, judging) ? due.operarius : '', effect);
    const raised = effect === 'firing' ? await judging.raising.noEffect(due, run) : undefined;
    const settled = { effect: text, field, count, entry: entryOf(due, effect, now), raised };
    const { keys, args } = settleArguments(prefix, settled, run);
    const { first, row } = readSettled(await settleScript(keys, args));
    if (first) tellEffect(due, effect, judging);
    tellStopped(run, row, judging);
  };
}

const isKnown = ({ operarius }: DueEffect, { cluster }: Judging): boolean =>
  cluster.operarii.get(operarius) !== undefined;

function runOf(due: DueEffect, effect: Effect, { cluster, settings }: Judging): RunVerdict {
  const { uid, operarius, definition } = due;
  const verdict = effect === 'firing' ? 'bad' : 'good';
  const run = { uid, operarius, definition, verdict } as const;
  const configMap = cluster.operarii.get(operarius);
  const isCurrent = configMap !== undefined && definitionDigest(configMap) === definition;
  const policy = isCurrent ? policyOf(configMap, settings.policy) : undefined;
  // As at the end of a Job: one of an older definition stops nothing, and ends no stop of the current one.
  return { ...run, ...(policy === undefined ? STOPS_NOTHING : stopPolicy(policy)) };
}

const STOPS_NOTHING = { stopAfter: 0, stopFor: 0 } as const;

function readSettled(answer: unknown): { readonly first: boolean; readonly row: number } {
  const [first, row] = Array.isArray(answer) ? answer : [];
  return { first: first === 1, row: typeof row === 'number' ? row : 0 };
}

function tellEffect(due: DueEffect, effect: Effect, { cluster, log }: Judging): void {
  const { job, operarius, alertname, fingerprint, remediation } = due;
  const line = { effect, job, operarius, alertname, fingerprint, remediation };
  if (effect !== 'firing') {
    log.info(line, 'the effect of a Job was judged');
    return;
  }
  log.warn(line, 'the Job did not help: its alert still fires');
  const metadata = cluster.operarii.get(operarius)?.metadata;
  if (metadata === undefined) return;
  const message = `Job ${job} succeeded, but its alert still fires (${fingerprint})`;
  cluster.events.record(metadata, 'NoEffect', message);
}

async function effectOf(
  due: DueEffect,
  { alertmanagers, memory }: Judging,
  now: number,
): Promise<Effect | 'later'> {
  if (!isAlertmanagers(due.fingerprint)) return 'unknown';
  const asked = alertOfJob(due);
  if (alertmanagers === undefined) return effectByState(await memory.state(asked), due, now);
  return effectByAlertmanager(await alertmanagers.standingOf(asked), due, now);
}

function entryOf(due: DueEffect, effect: Effect, at: number): string {
  const { job, uid, alertname, fingerprint, operarius, remediation: id } = due;
  return encodeEntry({
    ...{ kind: 'effect', effect, job, uid, id, alertname, fingerprint, operarius, at },
    status: 'firing',
    startsAt: parseInstant(due.startsAt) ?? NEVER,
  });
}

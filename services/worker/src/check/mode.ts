import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, EventReason } from '@openfero/cluster/cluster';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { type Position, readPosition } from '@openfero/core/operarius/global-switch';
import { MODES, type Mode } from '@openfero/core/operarius/policy';
import type { Logger } from '@openfero/service/log';
import { Gauge, type Registry } from 'prom-client';
import type { WorkerSettings } from '../settings.ts';
import { WORKER_NAME } from '../worker-name.ts';

/** Milliseconds between two looks at the switch, which is promised to act within 5 s. */
const LOOK_INTERVAL = 500;

interface ModeDependencies {
  readonly cluster: Pick<Cluster, 'operarii' | 'events' | 'blocked'>;
  readonly settings: Pick<WorkerSettings, 'policy'>;
  readonly log: Logger;
  /** Called when another mode holds. */
  readonly onChange: () => void;
}

/** What holds for all operarii now. */
interface Current extends Position {
  readonly configMap: ConfigMap | undefined;
}

/**
 * Answers whoever uses the switch: each worker says in its log and with an Event on the ConfigMap that it
 * has it, and the metric `openfero_mode` shows what holds.
 *
 * @returns what stops it
 */
export function watchMode(deps: ModeDependencies, metrics: Registry): () => void {
  const stop = new AbortController();
  registerMode(deps, metrics);
  void keepLooking(deps, stop.signal);
  return () => stop.abort();
}

function registerMode(deps: ModeDependencies, metrics: Registry): void {
  new Gauge({
    name: 'openfero_mode',
    help: '1 for the mode that OPENFERO_MODE and the ConfigMap openfero make together, else 0. The same in every worker with the same settings.',
    labelNames: ['mode'],
    registers: [metrics],
    collect() {
      const { mode } = currentOf(deps);
      for (const each of MODES) this.set({ mode: each }, each === mode ? 1 : 0);
    },
  });
}

function currentOf({ cluster, settings }: ModeDependencies): Current {
  const configMap = cluster.operarii.globalSwitch();
  return { ...readPosition(settings.policy.mode, configMap), configMap };
}

async function keepLooking(deps: ModeDependencies, signal: AbortSignal): Promise<void> {
  let before: Current | undefined;
  while (!signal.aborted) {
    // Before the first list it is not known whether there is a switch.
    if (before !== undefined || deps.cluster.blocked() === undefined) before = look(before, deps);
    await delay(LOOK_INTERVAL, undefined, { signal }).catch(() => undefined);
  }
}

/** @returns what holds now */
function look(before: Current | undefined, deps: ModeDependencies): Current {
  const now = currentOf(deps);
  if (before?.mode !== now.mode) deps.onChange();
  if (isNews(before, now)) say(now, deps);
  if (versionOf(before) !== versionOf(now)) confirm(before, now, deps);
  return now;
}

/** At the start only what is stricter than usual. */
function isNews(before: Current | undefined, now: Current): boolean {
  if (before === undefined) return now.mode !== 'run';
  return (
    before.switched !== now.switched || (now.switched === 'off' && before.reason !== now.reason)
  );
}

function versionOf(current: Current | undefined): string | undefined {
  const { uid, resourceVersion } = current?.configMap?.metadata ?? {};
  return uid && `${uid}/${resourceVersion}`;
}

function say(now: Current, { log, settings }: ModeDependencies): void {
  const line = { mode: now.mode, OPENFERO_MODE: settings.policy.mode, reason: now.reason };
  if (now.mode === 'run') log.info(line, textOf(now));
  else log.warn(line, textOf(now));
}

/**
 * Confirms a version of the switch with an Event of this worker: a person who may list Events and pods then
 * knows that every worker has it. A switch that was deleted has its Event, too.
 */
function confirm(before: Current | undefined, now: Current, { cluster }: ModeDependencies): void {
  const metadata = (now.configMap ?? before?.configMap)?.metadata;
  if (metadata === undefined) return;
  cluster.events.record(metadata, REASONS[now.mode], `${textOf(now)} (worker ${WORKER_NAME})`);
}

const textOf = ({ mode, source }: Current): string => `${TEXTS[mode]}: ${source}`;

const TEXTS: Readonly<Record<Mode, string>> = {
  run: 'OpenFero is on, and creates Jobs',
  approve: 'OpenFero creates Jobs suspended, and a person releases each of them (approve)',
  'dry-run': 'OpenFero only asks the API server about Jobs (dry-run), and creates none',
  off: 'OpenFero is off, and creates no Jobs',
};

const REASONS: Readonly<Record<Mode, EventReason>> = {
  run: 'SwitchedOn',
  approve: 'ModeChanged',
  'dry-run': 'ModeChanged',
  off: 'SwitchedOff',
};

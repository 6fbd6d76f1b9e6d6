import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, EventReason } from '@openfero/cluster/cluster';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { type Position, readPosition } from '@openfero/core/operarius/global-switch';
import { MODES, type Mode } from '@openfero/core/operarius/policy';
import { SWITCH_TTL, switchClaimKey } from '@openfero/core/redis/checks';
import type { Logger } from '@openfero/service/log';
import type { RedisConnection } from '@openfero/service/redis';
import { Gauge, type Registry } from 'prom-client';
import type { WorkerSettings } from '../settings.ts';

/** Milliseconds between two looks at the switch, which is promised to act within 5 s. */
const LOOK_INTERVAL = 500;

interface ModeDependencies {
  readonly cluster: Pick<Cluster, 'operarii' | 'events' | 'blocked'>;
  readonly redis: RedisConnection;
  readonly settings: Pick<WorkerSettings, 'prefix' | 'policy'>;
  readonly log: Logger;
  /** Called when another mode holds. */
  readonly onChange: () => void;
}

/** What holds for all operarii now. */
interface Current extends Position {
  readonly configMap: ConfigMap | undefined;
}

/**
 * Answers whoever uses the switch: each worker says in its log that it has it, one of them writes an
 * Event on the ConfigMap, and the metric `openfero_mode` shows what holds.
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
    if (before !== undefined || deps.cluster.blocked() === undefined) {
      const now = currentOf(deps);
      if (before?.mode !== now.mode) deps.onChange();
      if (isNews(before, now)) await tell(before, now, deps, signal);
      before = now;
    }
    await delay(LOOK_INTERVAL, undefined, { signal }).catch(() => undefined);
  }
}

/** At the start only what is stricter than usual. */
function isNews(before: Current | undefined, now: Current): boolean {
  if (before === undefined) return now.mode !== 'run';
  return (
    before.switched !== now.switched || (now.switched === 'off' && before.reason !== now.reason)
  );
}

async function tell(
  before: Current | undefined,
  now: Current,
  deps: ModeDependencies,
  signal: AbortSignal,
): Promise<void> {
  const { log, cluster, settings } = deps;
  const line = { mode: now.mode, OPENFERO_MODE: settings.policy.mode, reason: now.reason };
  const text = `${TEXTS[now.mode]}: ${now.source}`;
  if (now.mode === 'run') log.info(line, text);
  else log.warn(line, text);
  // A switch that was deleted has its Event, too. One that was created and allows all is no news.
  const metadata = (now.configMap ?? before?.configMap)?.metadata;
  if (metadata === undefined || (before?.switched ?? 'run') === now.switched) return;
  if (await isOurs(versionOf(metadata, now), deps, signal)) {
    cluster.events.record(metadata, eventOf(now), text);
  }
}

const TEXTS: Readonly<Record<Mode, string>> = {
  run: 'OpenFero is on, and creates Jobs',
  approve: 'OpenFero creates Jobs suspended, and a person releases each of them (approve)',
  'dry-run': 'OpenFero only asks the API server about Jobs (dry-run), and creates none',
  off: 'OpenFero is off, and creates no Jobs',
};

function eventOf({ switched }: Current): EventReason {
  if (switched === 'off') return 'SwitchedOff';
  return switched === 'run' ? 'SwitchedOn' : 'ModeChanged';
}

function versionOf(
  { uid, resourceVersion }: ConfigMap['metadata'],
  { configMap }: Current,
): string {
  return `${uid}/${resourceVersion}${configMap === undefined ? '/deleted' : ''}`;
}

/** Whether no other worker tells of this version. Without Redis they all do: twice is better than never. */
async function isOurs(
  version: string,
  { redis, settings }: ModeDependencies,
  signal: AbortSignal,
): Promise<boolean> {
  const key = switchClaimKey(settings.prefix, version);
  try {
    const claim = redis.set(key, '1', 'PX', SWITCH_TTL, 'NX');
    const late = delay(CLAIM_LIMIT, 'late', { signal });
    return (await Promise.race([claim, late])) !== null;
  } catch {
    return true;
  }
}

/** Milliseconds: while Redis is away its client waits, and the answer must not. */
const CLAIM_LIMIT = 2_000;

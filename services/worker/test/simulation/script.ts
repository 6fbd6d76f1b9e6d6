import type { ConfigMap } from '@openfero/core/kubernetes';
import { configMap } from '@openfero/testkit/operarii';
import type { Random } from '@openfero/testkit/random';

/** Milliseconds. */
export const START = Date.parse('2026-01-01T00:00:00Z');

const STEPS = 20;

/** One step of a script. */
export type Step =
  | { readonly do: 'notify'; readonly body: object }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'finish' };

/** What a script runs with. */
export interface Script {
  readonly configMaps: readonly ConfigMap[];
  /** OPENFERO_MAX_ACTIVE_JOBS. */
  readonly maxActiveJobs: string;
  /** OPENFERO_MAX_RUNS. */
  readonly maxRuns: string;
  readonly steps: readonly Step[];
}

export function randomScript(random: Random): Script {
  return {
    configMaps: [
      ...['A', 'B'].map((alertname) => definitionBy(alertname, random)),
      configMap('A', {
        status: 'resolved',
        policy: { 'only-after-firing': pick(random, ['true', 'false']) },
      }),
    ],
    maxActiveJobs: pick(random, ['0', '1', '3']),
    maxRuns: pick(random, ['none', 'none', '2/1h', '2/3m']),
    steps: stepsBy(random),
  };
}

function pick<T>(random: Random, values: readonly [T, ...T[]]): T {
  return random.pick(values) ?? values[0];
}

function definitionBy(alertname: string, random: Random): ConfigMap {
  const one = (...values: [string, ...string[]]): string => pick(random, values);
  const dedupBy = one('alert', 'alert', 'group', 'operarius');
  const ofAlert =
    dedupBy === 'alert'
      ? { cooldown: one('0s', '1m', '5m'), 'repeat-after': one('never', '3m', '10m') }
      : { cooldown: one('1m', '5m') };
  const policy = {
    ...{ 'dedup-by': dedupBy, ...ofAlert },
    'max-age': one('2m', '15m'),
    'max-active': one('0', '1', '1'),
    mode: one('run', 'run', 'run', 'run', 'run', 'approve', 'dry-run', 'off'),
    'run-if-resolved': one('false', 'false', 'true'),
    match: one('', '', '{pod!="web-2"}'),
    'max-runs': one('none', 'none', 'none', '1/5m', '2/1h'),
    ...pick<object>(random, [{}, {}, { target: 'pod' }, { target: 'node' }]),
    'max-repeats': one('none', '1/1h', '1/1d', '2/1h'),
  };
  return random.chance(0.1)
    ? configMap(alertname, { policy, job: { metadata: { namespace: 'other' } } })
    : configMap(alertname, { policy });
}

function stepsBy(random: Random): Step[] {
  let now = START;
  const starts = new Map<string, number>();
  const alert = (): object => {
    const alertname = pick(random, ['A', 'A', 'A', 'B', 'C']);
    const pod = `web-${1 + random.below(2)}`;
    const key = `${alertname}/${pod}`;
    const known = random.chance(0.3) ? undefined : starts.get(key);
    // A new episode may have begun earlier than what is known.
    const startsAt = known ?? now - random.below(90_000);
    starts.set(key, startsAt);
    const status = random.chance(0.35) ? 'resolved' : 'firing';
    const ends = status === 'resolved' ? { endsAt: new Date(now).toISOString() } : {};
    return {
      status,
      labels: { alertname, pod },
      startsAt: new Date(startsAt).toISOString(),
      ...ends,
    };
  };
  return Array.from({ length: STEPS }, (): Step => {
    if (random.chance(0.3)) {
      const ms = pick(random, [1000, 20_000, 61_000, 200_000, 700_000]);
      now += ms;
      return { do: 'advance', ms };
    }
    if (random.chance(0.2)) return { do: 'finish' };
    const alerts = Array.from({ length: 1 + random.below(2) }, alert);
    const groupKey = pick(random, ['g1', 'g2']);
    return { do: 'notify', body: { version: '4', groupKey, status: 'firing', alerts } };
  });
}

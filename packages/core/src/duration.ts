/** Milliseconds of each unit, largest first: the order in which they must stand. */
const UNITS = [
  ['y', 365 * 24 * 3_600_000],
  ['w', 7 * 24 * 3_600_000],
  ['d', 24 * 3_600_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

const DURATION = new RegExp(`^${UNITS.map(([unit]) => `(?:(\\d+)${unit})?`).join('')}$`);

/** Go counts nanoseconds in 63 bits: a little over 292 years. */
const LONGEST = Math.floor(2 ** 63 / 1e6);

/**
 * Reads a duration as Prometheus and Alertmanager write it: `90s`, `1h30m`, `1d`, `0`. Each unit at
 * most once, the larger first; no fractions, no signs, no spaces.
 *
 * Source: prometheus/common, model.ParseDuration.
 *
 * @returns milliseconds, or undefined where the text is no such duration
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const counts = text === '' ? null : DURATION.exec(text);
  if (counts === null) return undefined;
  const ms = UNITS.reduce((sum, [, length], i) => sum + Number(counts[i + 1] ?? 0) * length, 0);
  return ms <= LONGEST ? ms : undefined;
}

/**
 * Writes a duration as Prometheus does: `1h30m`, `0s`. Years and weeks only where nothing is left
 * over, since 90d reads better than 12w6d.
 *
 * Source: prometheus/common, model.Duration.String.
 *
 * @param ms whole milliseconds, not negative
 */
export function formatDuration(ms: number): string {
  let rest = ms;
  let text = '';
  for (const [unit, length] of UNITS) {
    const onlyExact = unit === 'y' || unit === 'w';
    if (rest < length || (onlyExact && rest % length !== 0)) continue;
    text += `${Math.floor(rest / length)}${unit}`;
    rest %= length;
  }
  return text || '0s';
}

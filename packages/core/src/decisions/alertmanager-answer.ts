import { formatDuration } from '../duration.ts';
import { isObject, type JsonObject } from '../kubernetes.ts';

/** What Alertmanager says of an alert: the label of openfero_alertmanager_answers_total. */
export const ANSWERS = ['active', 'suppressed', 'absent', 'unknown'] as const;

/** What one Alertmanager says of one alert. */
export type Standing =
  | { readonly kind: 'active' }
  /** By what, in words. */
  | { readonly kind: 'suppressed'; readonly by: string }
  | { readonly kind: 'absent' };

/** What all of them say together. */
export type JointAnswer =
  | Standing
  /** At least one cannot tell, and none has the alert: in words which, and why. */
  | { readonly kind: 'unknown'; readonly problem: string };

/** The alerts of one answer by fingerprint: what is not in it, that Alertmanager does not have. */
export type Standings = ReadonlyMap<string, Standing>;

/**
 * Reads the answer of `GET /api/v2/alerts` as hostile input.
 *
 * @returns undefined where it is no list of alerts
 */
export function readStandings(body: unknown): Standings | undefined {
  if (!Array.isArray(body)) return undefined;
  const standings = new Map<string, Standing>();
  for (const alert of body) {
    if (!isObject(alert)) return undefined;
    const { fingerprint, status } = alert;
    if (typeof fingerprint !== 'string' || !isObject(status)) return undefined;
    standings.set(fingerprint, standingOf(status));
  }
  return standings;
}

function standingOf(status: JsonObject): Standing {
  if (status['state'] !== 'suppressed') return { kind: 'active' };
  const silence = firstId(status['silencedBy']);
  if (silence !== undefined) return { kind: 'suppressed', by: `silenced by silence ${silence}` };
  const source = firstId(status['inhibitedBy']);
  const by = source === undefined ? 'suppressed' : `inhibited by the alert ${source}`;
  return { kind: 'suppressed', by };
}

/** The id of a silence is a UUID, that of an alert its fingerprint: anything else is not shown. */
function firstId(ids: unknown): string | undefined {
  const [id] = Array.isArray(ids) ? ids : [];
  if (id === undefined) return undefined;
  return typeof id === 'string' && /^[\w-]{1,64}$/.test(id) ? id : 'of an unreadable id';
}

/** What came of one question to one Alertmanager. */
export type PeerAnswer =
  | { readonly url: string; readonly standing: Standing }
  | { readonly url: string; readonly problem: string };

/** Says of an absent alert how long this Alertmanager has been up, in milliseconds. */
export type Uptime = number | { readonly problem: string };

/**
 * Milliseconds: alerts are in the memory of Alertmanager only, and Prometheus sends them again each minute
 * or two. Until then a restarted one does not know what fires.
 */
export const YOUNG = 5 * 60_000;

/**
 * Alertmanagers share silences, not alerts: one that has the alert decides, and that it is suppressed
 * decides before that it is active. Undefined where all have answered without it: then it depends on how
 * long they are up, see {@link concludeAbsent}.
 */
export function conclude(answers: readonly PeerAnswer[]): JointAnswer | undefined {
  const standings = answers.flatMap((answer) => ('standing' in answer ? answer.standing : []));
  const told =
    standings.find(({ kind }) => kind === 'suppressed') ??
    standings.find(({ kind }) => kind === 'active');
  if (told !== undefined) return told;
  const problems = answers.flatMap((answer) =>
    'problem' in answer ? `${answer.url}: ${answer.problem}` : [],
  );
  if (problems.length > 0) return { kind: 'unknown', problem: problems.join('; ') };
  return answers.length === 0 ? { kind: 'unknown', problem: 'there is none to ask' } : undefined;
}

/** Of an alert that no Alertmanager has. @param young {@link YOUNG} */
export function concludeAbsent(
  uptimes: readonly { readonly url: string; readonly uptime: Uptime }[],
  young: number,
): JointAnswer {
  const problems = uptimes.flatMap(({ url, uptime }) => {
    if (typeof uptime !== 'number') return `${url}: ${uptime.problem}`;
    if (uptime >= young) return [];
    const since = `${Math.max(0, Math.round(uptime / 1000))} s`;
    return `${url} has been up for ${since} only, and may not know yet what fires: that takes it up to ${formatDuration(young)}`;
  });
  return problems.length === 0
    ? { kind: 'absent' }
    : { kind: 'unknown', problem: problems.join('; ') };
}

/**
 * Reads the answer of `GET /api/v2/status` as hostile input.
 *
 * @param now milliseconds, by the clock of that Alertmanager
 */
export function readUptime(body: unknown, now: number): Uptime {
  const uptime = isObject(body) ? body['uptime'] : undefined;
  const startedAt = typeof uptime === 'string' ? Date.parse(uptime) : Number.NaN;
  if (Number.isNaN(startedAt)) return { problem: 'it does not say since when it is up' };
  return now - startedAt;
}

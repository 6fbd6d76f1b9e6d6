import { type Html, html } from './html.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time to read at a glance: `41 s`, `3 min`, `2 h 5 min`, `4 d`. @param ms not negative */
export function span(ms: number): string {
  if (ms < SECOND) return 'under 1 s';
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms >= 3 * DAY) return `${Math.floor(ms / DAY)} d`;
  const minutes = Math.floor((ms % HOUR) / MINUTE);
  const hours = `${Math.floor(ms / HOUR)} h`;
  return minutes === 0 ? hours : `${hours} ${minutes} min`;
}

/** `3 min ago`, `now`, or `in 2 min`. */
export function relative(at: number, now: number): string {
  const ms = now - at;
  if (Math.abs(ms) < SECOND) return 'now';
  return ms < 0 ? `in ${span(-ms)}` : `${span(ms)} ago`;
}

/** UTC, with the date where it is not that of `now`: `03:12:05Z`, `22 Nov 03:12:05Z`. */
export function utc(at: number, now: number): string {
  const iso = new Date(at).toISOString();
  const time = `${iso.slice(11, 19)}Z`;
  if (iso.slice(0, 10) === new Date(now).toISOString().slice(0, 10)) return time;
  const day = `${Number(iso.slice(8, 10))} ${MONTHS[Number(iso.slice(5, 7)) - 1]}`;
  return iso.slice(0, 4) === new Date(now).toISOString().slice(0, 4)
    ? `${day} ${time}`
    : `${day} ${iso.slice(0, 4)} ${time}`;
}

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** How long ago. The script keeps it up to date. */
export const ago = (at: number, now: number): Html =>
  html`<time data-ago datetime="${isoOf(at)}">${relative(at, now)}</time>`;

/** The clock, in UTC. */
export const clock = (at: number, now: number): Html =>
  html`<time datetime="${isoOf(at)}">${utc(at, now)}</time>`;

const isoOf = (at: number): string => new Date(at).toISOString();

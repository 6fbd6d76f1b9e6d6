/**
 * RFC 3339 date and time as Go writes it: up to nine digits of a second, `Z` or an offset.
 * Lower-case `t` and `z` are legal there too.
 */
const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** The text of a time in Go, which templates print: with the name of its zone, and since its process started. */
const GO_TIME =
  /^(\d{4})-(\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))? ([+-])(\d{2})(\d{2})(?: [A-Za-z0-9+-]{1,10})?(?: m=[+-]\d{1,20}\.\d{1,20})?$/;

/**
 * An instant in one canonical spelling, UTC with nine digits: `2021-10-25T12:01:24.295247380Z`.
 * Two instants are equal when their strings are, and sort as their strings do.
 */
export type Instant = string;

/** Alertmanager's zero time: `endsAt` of an alert that has not ended. */
export const NEVER: Instant = '0001-01-01T00:00:00.000000000Z';

/**
 * Reads an RFC 3339 time, or a time as Go prints it: `2026-01-01 00:00:00 +0000 UTC`. JavaScript's own
 * Date stops at milliseconds, Prometheus' do not.
 *
 * @returns the canonical spelling, or undefined where the text is no such time
 */
export function parseInstant(text: string): Instant | undefined {
  const match = RFC3339.exec(text) ?? GO_TIME.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', sign, offHours, offMinutes] =
    match;
  const date = `${year}-${month}-${day}`;
  const time = `${hour}:${minute}:${second}`;
  if (!isDate(Number(year), Number(month), Number(day)) || !isTime(time)) return undefined;
  // Almost all times are in UTC: without Date, which would be half of the work.
  if (sign === undefined) return `${date}T${time}.${fraction.padEnd(9, '0')}Z`;
  const offset = offsetOf(sign, Number(offHours), Number(offMinutes));
  return offset === undefined
    ? undefined
    : canonical(Date.parse(`${date}T${time}Z`) - offset, fraction);
}

function isDate(year: number, month: number, day: number): boolean {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 && !leap ? 28 : DAYS[month - 1];
  return days !== undefined && day >= 1 && day <= days;
}
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** @param time of two digits each, which compare as their numbers do */
function isTime(time: string): boolean {
  return time < '24' && time.slice(3) < '60' && time.slice(6) < '60';
}

/** The instant of a number of milliseconds since 1970. */
export function instantOf(ms: number): Instant {
  return `${new Date(ms).toISOString().slice(0, -1)}000000Z`;
}

/** Milliseconds since 1970; what is below a millisecond is cut off. */
export function millisecondsOf(instant: Instant): number {
  return Date.parse(`${instant.slice(0, 23)}Z`);
}

/** An instant as Go and so Alertmanager writes it, without zeros at its end: for other programs. */
export function formatInstant(instant: Instant): string {
  return instant.replace(/\.?0+Z$/, 'Z');
}

/** Milliseconds that local time is ahead of UTC, or undefined where the offset is none. */
function offsetOf(sign: string | undefined, hours: number, minutes: number): number | undefined {
  if (hours > 23 || minutes > 59) return undefined;
  const offset = (hours * 60 + minutes) * 60_000;
  return sign === '-' ? -offset : offset;
}

function canonical(ms: number, fraction: string): Instant | undefined {
  const whole = new Date(ms).toISOString();
  // An offset can carry a legal year over the border of four digits.
  if (whole.length !== 24) return undefined;
  return `${whole.slice(0, 19)}.${fraction.padEnd(9, '0')}Z`;
}

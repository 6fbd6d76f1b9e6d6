import { formatDuration } from '../duration.ts';
import { formatInstant, instantOf, parseInstant } from '../instant.ts';
import { InvalidMatchers, parseMatchers } from '../matchers/matchers.ts';
import { oneLine } from '../one-line.ts';
import { DURATION, type Syntax } from '../operarius/policy-syntax.ts';
import { ENDS } from '../outcome.ts';
import { CHIPS, FATE_FILTERS, type Filter } from './filter.ts';
import { isStreamId } from './stream-id.ts';

/** A page of the list. */
export interface Place {
  readonly filter: Filter;
  /** The cursor of the row before its first; undefined on the first page. */
  readonly after: string | undefined;
}

/**
 * Reads the query of a URL, hostile as it may be.
 *
 * @returns what it asks for, and a line for each part that cannot be read. Such a part is left out: a page
 *   that shows rows all the same must show the lines too
 */
export function readFilter(
  query: URLSearchParams,
): Place & { readonly problems: readonly string[] } {
  const problems: string[] = [];
  const read = <T>(name: string, text: string, { allowed, parse }: Syntax<T>): T | undefined => {
    const value = text.length > LONGEST ? undefined : parse(text);
    if (value === undefined) problems.push(`${name}: ${quoted(text)} is not ${allowed}`);
    return value;
  };
  /** The last one, where a form and a link both have it. */
  const one = <T>(name: string, syntax: Syntax<T>): T | undefined => {
    const text = given(query, name).at(-1);
    return text === undefined ? undefined : read(name, text, syntax);
  };
  const all = <T>(name: string, syntax: Syntax<T>): T[] => {
    const values = given(query, name).map((text) => read(name, text, syntax));
    return [...new Set(values.filter((value) => value !== undefined))].sort();
  };
  const filter: Filter = {
    match: one('match', TEXT) ?? '',
    text: one('q', TEXT) ?? '',
    outcomes: all('outcome', oneOf(ENDS)),
    operarii: all('operarius', TEXT),
    fates: all('fate', oneOf(FATE_FILTERS)),
    only: one('only', oneOf(CHIPS)),
    from: one('from', TIME),
    to: one('to', TIME),
    last: one('last', DURATION),
    all: one('all', oneOf(['1'])) === '1',
  };
  const wrong = whyNoMatchers(filter.match);
  if (wrong !== undefined) problems.push(`match: ${wrong}`);
  return { filter, after: one('after', CURSOR), problems };
}

/** The query of the URL that asks for this; nothing in it for what is as usual. */
export function writeFilter({ filter, after }: Place): URLSearchParams {
  const query = new URLSearchParams();
  const add = (name: string, ...values: readonly (string | undefined)[]): void => {
    for (const value of values) if (value) query.append(name, value);
  };
  add('match', filter.match);
  add('q', filter.text);
  add('outcome', ...filter.outcomes);
  add('operarius', ...filter.operarii);
  add('fate', ...filter.fates);
  add('only', filter.only);
  add('from', writeTime(filter.from));
  add('to', writeTime(filter.to));
  add('last', filter.last === undefined ? undefined : formatDuration(filter.last));
  add('all', filter.all ? '1' : undefined);
  add('after', after);
  return query;
}

/** Characters of one value: twice the longest regular expression that matchers take. */
const LONGEST = 8_192;

const TEXT: Syntax<string> = {
  allowed: `a text of at most ${LONGEST} characters`,
  parse: (text) => text,
};
const TIME: Syntax<number> = {
  allowed: 'a time such as 2026-11-22T03:00:00Z',
  parse: readTime,
};
const CURSOR: Syntax<string> = {
  allowed: 'the cursor of a row',
  parse: (text) => (isStreamId(text) ? text : undefined),
};

function oneOf<T extends string>(words: readonly T[]): Syntax<T> {
  return {
    allowed: `one of ${words.join(', ')}`,
    parse: (text) => words.find((word) => word === text),
  };
}

/** A field of a form that is empty is as good as none. */
const given = (query: URLSearchParams, name: string): string[] =>
  query.getAll(name).filter((text) => text !== '');

/** What browsers send of a field for date and time: without seconds and zone. It is UTC, as all is here. */
const WITHOUT_ZONE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?$/;

function readTime(text: string): number | undefined {
  const [, seconds] = WITHOUT_ZONE.exec(text) ?? [undefined];
  const zoned = WITHOUT_ZONE.test(text) ? `${text}${seconds === undefined ? ':00' : ''}Z` : text;
  const instant = parseInstant(zoned);
  return instant === undefined ? undefined : Date.parse(instant);
}

function writeTime(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : formatInstant(instantOf(ms));
}

/** Why the text is no list of matchers, in one line. */
function whyNoMatchers(text: string): string | undefined {
  try {
    parseMatchers(text);
    return undefined;
  } catch (error) {
    if (error instanceof InvalidMatchers) return error.message;
    throw error;
  }
}

const quoted = (text: string): string => oneLine(JSON.stringify(text.slice(0, 100)));

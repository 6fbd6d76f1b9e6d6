import { RE2JS } from 're2js';
import type { Texts } from '../alert.ts';
import { messageOf } from '../errors.ts';
import { programSize } from './program-size.ts';
import { InvalidMatchers, type Token, tokenize, unquote } from './tokens.ts';

export { InvalidMatchers } from './tokens.ts';

const OPERATORS = ['=', '!=', '=~', '!~'] as const;

/** One matcher as Alertmanager writes it: `zone="dmz"`, `namespace!~"kube-.*"`. */
export interface Matcher {
  readonly name: string;
  readonly operator: (typeof OPERATORS)[number];
  readonly value: string;
  /** An absent label is the empty string, as in Alertmanager. */
  readonly matches: (value: string) => boolean;
}

/** Matchers of one list: a route has a handful. */
const MAX_MATCHERS = 100;

/** Characters of one regular expression: ten times the longest list of namespaces in a route. */
const MAX_PATTERN = 4_096;

/**
 * Instructions of all regular expressions of one list, see {@link programSize}: each worker keeps them.
 * Two of the longest that repeat nothing. They take 0.2 s to compile, and 1 MB.
 */
const MAX_PROGRAM = 2 * MAX_PATTERN;

/**
 * Characters of a label's value that a regular expression is tried on. The worst takes time in proportion
 * to instructions and characters, 0.4 s at both limits, in which the worker does nothing else. A longer
 * value matches no regular expression, neither with =~ nor with !~: then nothing runs.
 */
const MAX_TRIED = 8_192;

/**
 * Reads Alertmanager's matchers: `{cluster="prod-eu",namespace!~"kube-.*"}`, the braces optional, a
 * trailing comma allowed, `{}` and the empty text matching everything.
 *
 * Source: prometheus/alertmanager, matcher/parse (UTF-8 matchers). What only its older parser takes,
 * such as `"\d"` for `"\\d"`, is refused, as a future Alertmanager will.
 *
 * @throws {InvalidMatchers} in one line: what is wrong, and at which character
 */
export function parseMatchers(text: string): Matcher[] {
  const reader = new TokenReader(tokenize(text));
  const braced = reader.take('{') !== undefined;
  const end = braced ? '}' : 'end';
  const matchers: Matcher[] = [];
  while (reader.take(end) === undefined) {
    if (matchers.length === MAX_MATCHERS) {
      throw new InvalidMatchers(`there are more than ${MAX_MATCHERS} matchers`);
    }
    matchers.push(readMatcher(reader));
    if (reader.peek().kind !== end) reader.expect([','], braced ? 'a comma or }' : 'a comma');
  }
  if (braced) reader.expect(['end'], 'nothing more');
  return matchers;
}

/** Writes matchers as {@link parseMatchers} reads them. */
export function formatMatchers(matchers: readonly Matcher[]): string {
  const text = matchers.map(
    ({ name, operator, value }) => `${quotedName(name)}${operator}${JSON.stringify(value)}`,
  );
  return `{${text.join(',')}}`;
}

const quotedName = (name: string): string =>
  /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : JSON.stringify(name);

/** Whether an alert with these labels passes all of them; no matchers pass every alert. */
export function matchesAll(matchers: readonly Matcher[], labels: Texts): boolean {
  return matchers.every(({ name, matches }) =>
    // `constructor` and `__proto__` are legal label names.
    matches(Object.hasOwn(labels, name) ? (labels[name] ?? '') : ''),
  );
}

class TokenReader {
  readonly #tokens: readonly Token[];
  #next = 0;
  /** Instructions of its regular expressions so far. */
  program = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  peek(): Token {
    // The last token is always `end`, and nothing reads beyond it.
    return this.#tokens[this.#next] ?? { kind: 'end', text: '', at: 0 };
  }

  take(kind: Token['kind']): Token | undefined {
    const token = this.peek();
    if (token.kind !== kind) return undefined;
    this.#next++;
    return token;
  }

  expect(kinds: readonly Token['kind'][], wanted: string): Token {
    const token = this.peek();
    if (kinds.includes(token.kind)) {
      this.#next++;
      return token;
    }
    const found = token.kind === 'end' ? 'the end' : token.text;
    throw new InvalidMatchers(`expected ${wanted} at character ${token.at}, found ${found}`);
  }
}

function readMatcher(reader: TokenReader): Matcher {
  const nameToken = reader.expect(['quoted', 'unquoted'], 'a label name');
  const name = unquote(nameToken);
  if (name === '') throw new InvalidMatchers(`empty label name at character ${nameToken.at}`);
  const operator = reader.expect(['operator'], 'one of = != =~ !~').text;
  const valueToken = reader.expect(['quoted', 'unquoted'], 'a value (in quotes where it is empty)');
  return matcher(name, operator, unquote(valueToken), (value) => {
    refuseLength(value, valueToken.at);
    reader.program += programSize(value);
    if (reader.program > MAX_PROGRAM) throw tooLarge(valueToken.at);
    return compile(value, valueToken.at);
  });
}

function tooLarge(at: number): InvalidMatchers {
  return new InvalidMatchers(
    `the regular expressions up to character ${at} are too large, with repetitions such as {100} written out: at most ${MAX_PROGRAM} characters together`,
  );
}

function matcher(
  name: string,
  operator: string,
  value: string,
  compiled: (value: string) => RE2JS,
): Matcher {
  switch (operator) {
    case '=':
      return { name, operator, value, matches: (text) => text === value };
    case '!=':
      return { name, operator, value, matches: (text) => text !== value };
    case '=~': {
      const pattern = compiled(value);
      const matches = (text: string) => text.length <= MAX_TRIED && pattern.test(text);
      return { name, operator, value, matches };
    }
    default: {
      const pattern = compiled(value);
      const matches = (text: string) => text.length <= MAX_TRIED && !pattern.test(text);
      return { name, operator: '!~', value, matches };
    }
  }
}

function refuseLength(value: string, at: number): void {
  if (value.length > MAX_PATTERN) {
    throw new InvalidMatchers(
      `the regular expression at character ${at} is longer than ${MAX_PATTERN} characters`,
    );
  }
}

/** Anchored as Alertmanager does it, so that the same text means the same thing here. */
function compile(value: string, at: number): RE2JS {
  try {
    return RE2JS.compile(`^(?:${value})$`);
  } catch (error) {
    const why = messageOf(error);
    throw new InvalidMatchers(
      `the regular expression at character ${at} is not valid in RE2: ${why}`,
    );
  }
}

import { oneLine } from '../one-line.ts';

/** The matchers do not parse. The message is one line and says where. */
export class InvalidMatchers extends Error {
  constructor(message: string) {
    super(oneLine(message));
  }
}

export interface Token {
  readonly kind: '{' | '}' | ',' | 'operator' | 'quoted' | 'unquoted' | 'end';
  /** As it stands in the text, quotes included. */
  readonly text: string;
  /** The first character, counted from 1. */
  readonly at: number;
}

/** Alertmanager's tokens; spaces between them mean nothing. A quoted one ends at its first bare quote. */
const TOKEN =
  /(?<space>\p{White_Space}+)|(?<sign>[{},])|(?<operator>=~|!=|!~|=)|(?<quoted>"[^"\\]*(?:\\.[^"\\]*)*")|(?<unquoted>[^\p{White_Space}{}!=~,\\"'`]+)/suy;

/**
 * Cuts matchers into tokens, the last one `end`.
 *
 * Source: prometheus/alertmanager, matcher/parse/lexer.go.
 *
 * @throws {InvalidMatchers} at a character that starts no token
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKEN);
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex + 1;
    const match = pattern.exec(text);
    if (match === null) throw new InvalidMatchers(whyNoToken(text, at));
    const token = tokenOf(match, at);
    if (token !== undefined) tokens.push(token);
  }
  tokens.push({ kind: 'end', text: '', at: text.length + 1 });
  return tokens;
}

function tokenOf(match: RegExpExecArray, at: number): Token | undefined {
  const text = match[0];
  const groups = match.groups ?? {};
  if (groups['space'] !== undefined) return undefined;
  if (groups['operator'] !== undefined) return { kind: 'operator', text, at };
  if (groups['quoted'] !== undefined) return { kind: 'quoted', text, at };
  if (groups['unquoted'] !== undefined) return { kind: 'unquoted', text, at };
  return { kind: text === '{' || text === '}' ? text : ',', text, at };
}

function whyNoToken(text: string, at: number): string {
  const character = String.fromCodePoint(text.codePointAt(at - 1) ?? 0);
  if (character === '"') return `the quote at character ${at} is not closed`;
  if (character === '!') return `expected != or !~ at character ${at}`;
  return `${character} at character ${at} must be in double quotes`;
}

/** Text without escapes, or one escape of a Go string. */
const PART =
  /(?<plain>[^\\\n]+)|\\(?:(?<simple>[abfnrtv\\"])|x(?<hex>[0-9a-fA-F]{2})|(?<octal>[0-3][0-7]{2})|(?:u(?<short>[0-9a-fA-F]{4})|U(?<long>[0-9a-fA-F]{8})))|(?<unknown>\\.?|\n)/gsu;

const SIMPLE: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\\', '\\'],
  ['"', '"'],
]);

/**
 * The text that a token stands for. Escapes are those of a Go string.
 *
 * Source: Go, strconv.Unquote.
 *
 * @throws {InvalidMatchers} for an escape that Go does not know, or bytes that are no UTF-8
 */
export function unquote({ kind, text, at }: Token): string {
  if (kind !== 'quoted') return text;
  const parts = text.slice(1, -1).matchAll(PART);
  // "\xc3\xa9" is one character in two escapes: all meet as bytes, in the one spelling of bytes
  // that JavaScript can read as UTF-8 and check.
  const bytes = Array.from(parts, (match) => percentEncoded(match, at + 1 + match.index));
  try {
    return decodeURIComponent(bytes.join(''));
  } catch {
    throw new InvalidMatchers(`the text at character ${at} is not valid UTF-8`);
  }
}

function percentEncoded(match: RegExpExecArray, at: number): string {
  const { plain, simple, hex, octal, short, long } = match.groups ?? {};
  if (plain !== undefined) return encodeURIComponent(plain.toWellFormed());
  if (simple !== undefined) return encodeURIComponent(SIMPLE.get(simple) ?? '');
  if (hex !== undefined) return `%${hex}`;
  if (octal !== undefined) return `%${Number.parseInt(octal, 8).toString(16).padStart(2, '0')}`;
  const code = Number.parseInt(short ?? long ?? '', 16);
  if (isCharacter(code)) return encodeURIComponent(String.fromCodePoint(code));
  throw new InvalidMatchers(
    match[0] === '\n'
      ? `line break at character ${at}: write \\n`
      : `unknown escape ${match[0]} at character ${at}: a backslash itself is written \\\\`,
  );
}

function isCharacter(code: number): boolean {
  return code >= 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

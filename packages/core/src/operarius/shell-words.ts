/**
 * A part of a word of a shell's script: text as it is written, or the value of a variable.
 */
type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly name: string; readonly quoted: boolean };

export interface ShellWord {
  readonly parts: readonly Part[];
  /** In the script, counted from 1. */
  readonly line: number;
}

/** A simple command; or what `((` and `$((` compute, as one word. */
export interface ShellCommand {
  readonly kind: 'simple' | 'arithmetic';
  readonly words: readonly ShellWord[];
}

/** Nested deeper, a script is not looked at. */
const MAX_DEPTH = 20;

interface Reader {
  readonly text: string;
  at: number;
  depth: number;
  readonly commands: ShellCommand[];
  /** Ends of here-documents that begin at the next line. */
  readonly due: string[];
}

/**
 * Splits a script of a POSIX shell or of bash into its simple commands, those in `$( )` and in backquotes
 * too. It knows quotes, comments and here-documents, and nothing of what commands mean: enough to see
 * where a value stands.
 */
export function commandsIn(script: string): readonly ShellCommand[] {
  const reader: Reader = { text: script, at: 0, depth: 0, commands: [], due: [] };
  while (reader.at < script.length) readUntil(reader, '');
  return reader.commands;
}

/** @param end what the commands are enclosed by: `)`, a backquote, or nothing */
function readUntil(reader: Reader, end: string): void {
  if (++reader.depth > MAX_DEPTH) reader.at = reader.text.length;
  let words: ShellWord[] = [];
  const finish = (): void => {
    if (words.length > 0) reader.commands.push({ kind: 'simple', words });
    words = [];
  };
  while (reader.at < reader.text.length) {
    const char = reader.text[reader.at] ?? '';
    if (char === end) {
      reader.at++;
      break;
    }
    if (!skip(reader, char, finish)) readNext(reader, words);
  }
  finish();
  reader.depth--;
}

/** Passes what stands between words. @returns false where a word begins */
function skip(reader: Reader, char: string, finish: () => void): boolean {
  if (char === '#') {
    moveTo(reader, '\n');
  } else if (char === '\n') {
    finish();
    reader.at++;
    passHereDocuments(reader);
  } else if (reader.text.startsWith('((', reader.at)) {
    readArithmetic(reader, reader.at + 2);
  } else if (/[;&|()]/.test(char)) {
    finish();
    reader.at++;
  } else if (/[ \t\r]/.test(char)) {
    reader.at++;
  } else if (reader.text.startsWith('\\\n', reader.at)) {
    reader.at += 2;
  } else {
    return false;
  }
  return true;
}

/** The word, or the file that a redirection names, which is no argument. */
function readNext(reader: Reader, words: ShellWord[]): void {
  const [hereDocument, , end] =
    /^<<-?[ \t]*(["']?)(\w+)\1/.exec(reader.text.slice(reader.at, reader.at + 200)) ?? [];
  if (hereDocument !== undefined && end !== undefined) {
    reader.at += hereDocument.length;
    reader.due.push(end);
    return;
  }
  const redirection = /^(?:\d*|&)(?:>>|>\||<<<|[<>]&?)[ \t]*/.exec(
    reader.text.slice(reader.at, reader.at + 200),
  )?.[0];
  if (redirection !== undefined) reader.at += redirection.length;
  const word = readWord(reader);
  if (redirection === undefined) words.push(word);
}

function readWord(reader: Reader): ShellWord {
  const line = lineAt(reader);
  const parts: Part[] = [];
  while (reader.at < reader.text.length) {
    const char = reader.text[reader.at] ?? '';
    if (/[\s;&|()<>]/.test(char)) break;
    const before = reader.at;
    if (char === '"') readQuoted(reader, parts);
    else readPart(reader, parts, false);
    if (reader.at === before) break;
  }
  return { parts, line };
}

/** Between double quotes. */
function readQuoted(reader: Reader, parts: Part[]): void {
  reader.at++;
  // An empty word is one, too.
  parts.push({ kind: 'text', text: '' });
  while (reader.at < reader.text.length && reader.text[reader.at] !== '"') {
    readPart(reader, parts, true);
  }
  reader.at++;
}

function readPart(reader: Reader, parts: Part[], quoted: boolean): void {
  const char = reader.text[reader.at];
  if (char === '$') {
    readDollar(reader, parts, quoted);
  } else if (char === '`') {
    reader.at++;
    readUntil(reader, '`');
  } else if (char === '\\') {
    parts.push({ kind: 'text', text: reader.text.slice(reader.at + 1, reader.at + 2) });
    reader.at += 2;
  } else if (char === "'" && !quoted) {
    const start = reader.at + 1;
    reader.at = start;
    moveTo(reader, "'");
    parts.push({ kind: 'text', text: reader.text.slice(start, reader.at) });
    reader.at++;
  } else {
    parts.push({ kind: 'text', text: char ?? '' });
    reader.at++;
  }
}

const VALUE = /^\$(?:\{([A-Za-z_]\w*)|([A-Za-z_]\w*))/;

function readDollar(reader: Reader, parts: Part[], quoted: boolean): void {
  const rest = reader.text.slice(reader.at, reader.at + 200);
  if (rest.startsWith('$((')) {
    readArithmetic(reader, reader.at + 3);
  } else if (rest.startsWith('$(')) {
    reader.at += 2;
    readUntil(reader, ')');
  } else {
    const [mark, braced, name = braced] = VALUE.exec(rest) ?? [];
    if (name !== undefined) parts.push({ kind: 'value', name, quoted });
    else parts.push({ kind: 'text', text: '$' });
    reader.at += mark?.length ?? 1;
    if (braced !== undefined) passBraces(reader);
  }
}

/** What may follow a name in `${NAME:-...}`. */
function passBraces(reader: Reader): void {
  for (let open = 1; open > 0 && reader.at < reader.text.length; reader.at++) {
    if (reader.text[reader.at] === '{') open++;
    if (reader.text[reader.at] === '}') open--;
  }
}

function readArithmetic(reader: Reader, start: number): void {
  const line = lineAt(reader);
  reader.at = start;
  moveTo(reader, '))');
  const text = reader.text.slice(start, reader.at);
  const names = [...text.matchAll(/[A-Za-z_]\w*/g)].map(([name]) => name);
  const parts = names.map((name) => ({ kind: 'value', name, quoted: false }) as const);
  reader.commands.push({ kind: 'arithmetic', words: [{ parts, line }] });
  reader.at += 2;
}

/** Their text is data: a shell splits nothing in it. */
function passHereDocuments(reader: Reader): void {
  for (const end of reader.due.splice(0)) {
    const rest = reader.text.slice(reader.at);
    const found = new RegExp(`^\\t*${end}$`, 'm').exec(rest);
    reader.at += found === null ? rest.length : found.index + found[0].length;
  }
}

function moveTo(reader: Reader, text: string): void {
  const found = reader.text.indexOf(text, reader.at);
  reader.at = found < 0 ? reader.text.length : found;
}

function lineAt({ text, at }: Reader): number {
  return text.slice(0, at).split('\n').length;
}

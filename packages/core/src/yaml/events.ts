import { type Event, parseEvents, YAMLException } from 'js-yaml';
import { oneLine } from '../one-line.ts';

/** The text is no YAML that Kubernetes would take. One line, that of the text first where it is known. */
export class InvalidYaml extends Error {
  /** The message without its line. */
  readonly why: string;
  /** Counted from 1. */
  readonly line: number | undefined;

  constructor(why: string, line?: number) {
    super(oneLine(line === undefined ? why : `line ${line}: ${why}`));
    this.why = oneLine(why);
    this.line = line;
  }
}

export interface Events {
  /** What the offsets of the events are of: the same lines, some indented deeper. */
  readonly text: string;
  readonly events: readonly Event[];
}

/** Deeper than anything that brackets or quotes may stand in: depth is bounded, and so are lines. */
const DEEPER = ' '.repeat(256);
/** Characters parsed again and again for one text: with a manifest of 4 KiB some 4,000 lines. */
const MAX_AGAIN = 16 * 1024 * 1024;

/**
 * Parses as libyaml would where js-yaml, which is of YAML 1.2, would not: in brackets and quotes a line
 * need not be indented deeper than the key.
 *
 *     command: [
 *       "sh"
 *     ]
 *
 * Spaces at the start of such a line mean nothing, so they are put there for js-yaml.
 *
 * @param maxDepth of nested collections
 * @throws {InvalidYaml}
 */
export function readEvents(original: string, maxDepth: number): Events {
  let text = original;
  for (let again = 0; again < MAX_AGAIN; again += text.length) {
    const result = attempt(text, maxDepth);
    if (!(result instanceof YAMLException)) return { text, events: result };
    const indented = indent(text, result);
    if (indented === undefined) throw new InvalidYaml(whatIsWrong(result), lineOf(result));
    text = indented;
  }
  throw new InvalidYaml('too many lines in brackets or quotes that are not indented deeper');
}

function attempt(text: string, maxDepth: number): readonly Event[] | YAMLException {
  try {
    return parseEvents(text, { maxDepth });
  } catch (error) {
    if (error instanceof YAMLException) return error;
    throw new InvalidYaml(String(error));
  }
}

/** The text with the line of the error indented, or undefined where that is not what is wrong. */
function indent(text: string, { reason, mark }: YAMLException): string | undefined {
  if (reason !== 'deficient indentation' || mark === undefined) return undefined;
  const start = mark.position - mark.column;
  // Elsewhere than at the start of a line it is about a tab, and spaces could change the meaning.
  const before = text.slice(start, mark.position);
  if (!/^[ \t]*$/.test(before) || before.startsWith(DEEPER)) return undefined;
  return `${text.slice(0, start)}${DEEPER}${text.slice(start)}`;
}

function whatIsWrong({ reason }: YAMLException): string {
  if (reason !== 'deficient indentation') return reason;
  return 'not indented enough, or a tab in brackets: use spaces';
}

function lineOf({ mark }: YAMLException): number | undefined {
  return mark && mark.line + 1;
}

import {
  type AliasEvent,
  EVENT_ID,
  type Event,
  getScalarValue,
  SCALAR_STYLE,
  type ScalarEvent,
} from 'js-yaml';
import { InvalidYaml, readEvents } from './events.ts';

interface Place {
  /** Of the text, counted from 1. */
  readonly line: number;
  /** As written, empty where there is none. */
  readonly tag: string;
}
export interface ScalarNode extends Place {
  readonly kind: 'scalar';
  readonly text: string;
  /** Neither quoted nor a block: it may mean something else than its text. */
  readonly plain: boolean;
  /** A block `|`: its lines are those of the text. */
  readonly literal: boolean;
}
interface SequenceNode extends Place {
  readonly kind: 'sequence';
  readonly children: readonly Node[];
}
export interface MappingNode extends Place {
  readonly kind: 'mapping';
  /** A key, its value, the next key... */
  readonly children: readonly Node[];
}
interface AliasNode {
  readonly kind: 'alias';
  readonly line: number;
  readonly target: Node;
}
export type Node = ScalarNode | SequenceNode | MappingNode | AliasNode;

/**
 * Reads the documents of a text as trees: nothing is resolved yet but aliases.
 *
 * @param maxDepth of nested collections
 * @throws {InvalidYaml}
 */
export function readNodes(text: string, maxDepth: number): Node[] {
  const reader: Reader = { ...readEvents(text, maxDepth), next: 0, offset: 0, line: 1 };
  const documents: Node[] = [];
  while (reader.next < reader.events.length) {
    take(reader);
    documents.push(readNode(reader, new Map()));
    take(reader);
  }
  return documents;
}

interface Reader {
  readonly text: string;
  readonly events: readonly Event[];
  next: number;
  /** How far lines have been counted, and which one that is. */
  offset: number;
  line: number;
}

/** By name; null while the node itself is still being read. */
type Anchors = Map<string, { node: Node | null }>;
type NodeEvent = Exclude<Event, { type: typeof EVENT_ID.DOCUMENT | typeof EVENT_ID.POP }>;

function take(reader: Reader): Event {
  const event = reader.events[reader.next++];
  if (event === undefined) throw new InvalidYaml('ends too early', reader.line);
  return event;
}

function readNode(reader: Reader, anchors: Anchors): Node {
  const event = take(reader);
  if (event.type === EVENT_ID.DOCUMENT || event.type === EVENT_ID.POP) {
    throw new InvalidYaml('ends too early', reader.line);
  }
  countLines(reader, event);
  if (event.type === EVENT_ID.ALIAS) return readAlias(reader, event, anchors);
  const anchor: { node: Node | null } = { node: null };
  if (event.anchorStart !== ABSENT) anchors.set(anchorName(reader, event), anchor);
  anchor.node = readContent(reader, event, anchors);
  return anchor.node;
}

function readContent(
  reader: Reader,
  event: Exclude<NodeEvent, AliasEvent>,
  anchors: Anchors,
): ScalarNode | SequenceNode | MappingNode {
  const tag = event.tagStart === ABSENT ? '' : reader.text.slice(event.tagStart, event.tagEnd);
  const place = { line: reader.line, tag };
  if (event.type === EVENT_ID.SCALAR)
    return { kind: 'scalar', ...place, ...readText(reader, event) };
  const children: Node[] = [];
  while (reader.events[reader.next]?.type !== EVENT_ID.POP)
    children.push(readNode(reader, anchors));
  take(reader);
  return { kind: event.type === EVENT_ID.SEQUENCE ? 'sequence' : 'mapping', ...place, children };
}

function readText(
  reader: Reader,
  event: ScalarEvent,
): Pick<ScalarNode, 'text' | 'plain' | 'literal'> {
  const text = getScalarValue(reader.text, event);
  const raw = reader.text.slice(event.valueStart, event.valueEnd);
  // js-yaml makes something of an escape beyond the last character of Unicode, or of half a pair.
  const doubleQuoted = event.style === SCALAR_STYLE.DOUBLE_QUOTED;
  if (!text.isWellFormed() || (doubleQuoted && /(?<!\\)(?:\\\\)*\\U(?!00(?:0|10))/.test(raw))) {
    throw new InvalidYaml('an escape is not a Unicode character', reader.line);
  }
  const literal = event.style === SCALAR_STYLE.LITERAL_BLOCK;
  return { text, plain: event.style === SCALAR_STYLE.PLAIN, literal };
}

/** What libyaml takes as a name; js-yaml, being of YAML 1.2, takes nearly anything. */
const ANCHOR = /^[A-Za-z0-9_-]+$/;

function anchorName(reader: Reader, event: NodeEvent): string {
  const name = reader.text.slice(event.anchorStart, event.anchorEnd);
  if (ANCHOR.test(name)) return name;
  throw new InvalidYaml(
    `an anchor name may have letters, digits, _ and - only: ${name}`,
    reader.line,
  );
}

function readAlias(reader: Reader, event: AliasEvent, anchors: Anchors): AliasNode {
  const name = anchorName(reader, event);
  const anchor = anchors.get(name);
  if (anchor === undefined)
    throw new InvalidYaml(`there is no anchor &${name} before *${name}`, reader.line);
  if (anchor.node === null) throw new InvalidYaml(`&${name} contains itself`, reader.line);
  return { kind: 'alias', line: reader.line, target: anchor.node };
}

const ABSENT = -1;

/** Events come in the order of the text, so its lines are counted once. */
function countLines(reader: Reader, event: NodeEvent): void {
  const start = Math.max(
    event.anchorStart,
    'start' in event ? event.start : ABSENT,
    'valueStart' in event ? event.valueStart : ABSENT,
  );
  for (; reader.offset < start; reader.offset++) {
    if (reader.text[reader.offset] === '\n') reader.line++;
  }
}

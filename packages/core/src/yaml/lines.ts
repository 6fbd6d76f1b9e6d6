import { InvalidYaml } from './events.ts';
import { type Node, readNodes } from './nodes.ts';

/** No manifest is nested deeper; the same bound as of reading it. */
const MAX_DEPTH = 100;

/**
 * Finds the line of a field in a YAML or JSON document, counted from 1. The path is that of a
 * finding: `data.Disk.spec.template`. Where a text of the document holds YAML itself, as a ConfigMap
 * does under `data`, it goes on in there. What cannot be found has the line of what is around it.
 *
 * @param within line of the text at the path, where that is meant
 */
export type LineOf = (path: string, within?: number) => number;

export function readLines(text: string): LineOf {
  // JSON may be indented with tabs, which YAML does not take.
  const root = readOrUndefined(text.replace(/^\t+/gm, (tabs) => ' '.repeat(tabs.length)));
  return (path, within) => (root === undefined ? 1 : lineIn({ node: root, line: 1 }, path, within));
}

function readOrUndefined(text: string): Node | undefined {
  try {
    return readNodes(text, MAX_DEPTH)[0];
  } catch (error) {
    if (error instanceof InvalidYaml) return undefined;
    throw error;
  }
}

interface Found {
  readonly node: Node;
  /** That of its key where it has one. */
  readonly line: number;
}

function lineIn(from: Found, path: string, within: number | undefined): number {
  const { found, rest } = walk(from, path);
  const { node, line } = found;
  if (node.kind !== 'scalar' || !node.literal) return line;
  if (rest === '') return within === undefined ? line : node.line + within - 1;
  const inner = readOrUndefined(node.text);
  if (inner === undefined) return line;
  const lines = lineIn({ node: inner, line: 1 }, rest, within);
  return node.line + lines - 1;
}

/** @returns the deepest node that the path leads to, and what of the path is left */
function walk(from: Found, path: string): { readonly found: Found; readonly rest: string } {
  let found = from;
  let rest = path;
  for (;;) {
    const next = childOf(found.node, rest);
    if (next === undefined) return { found, rest };
    found = next.found;
    rest = next.rest;
  }
}

function childOf(node: Node, path: string) {
  if (node.kind === 'alias') return childOf(node.target, path);
  if (node.kind === 'mapping') return fieldOf(node.children, path);
  return node.kind === 'sequence' ? itemOf(node.children, path) : undefined;
}

/** A key may hold dots: that of an annotation does. The longest that fits is meant. */
function fieldOf(children: readonly Node[], path: string) {
  const fields = children.flatMap((key, i) => {
    const value = children[i + 1];
    if (i % 2 === 1 || value === undefined || key.kind !== 'scalar') return [];
    return leadsTo(key.text, path) ? [{ key, value }] : [];
  });
  const [best] = fields.sort((a, b) => b.key.text.length - a.key.text.length);
  if (best === undefined) return undefined;
  const rest = path.slice(best.key.text.length).replace(/^\./, '');
  return { found: { node: best.value, line: best.key.line }, rest };
}

function leadsTo(key: string, path: string): boolean {
  return path.startsWith(key) && /^(?:$|[.[])/.test(path.slice(key.length));
}

function itemOf(children: readonly Node[], path: string) {
  const [mark = '', index] = /^\[(\d+)\]\.?/.exec(path) ?? [];
  const node = index === undefined ? undefined : children[Number(index)];
  return node && { found: { node, line: node.line }, rest: path.slice(mark.length) };
}

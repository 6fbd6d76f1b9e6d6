import type { Json } from '../kubernetes.ts';
import { InvalidYaml } from './events.ts';
import { type MappingNode, type Node, readNodes, type ScalarNode } from './nodes.ts';
import { floatKey, resolvePlain, type Scalar } from './scalar.ts';

export { InvalidYaml } from './events.ts';

/** A ConfigMap can hold no more. Characters. */
const MAX_TEXT = 1024 * 1024;
/**
 * Characters of one manifest: with the alert a larger one is no Job that an API server takes. The worst,
 * of nothing but `{},`, takes 50 MB while it is parsed; with 1 MiB it was 100 MB, and a worker has 150.
 */
const MAX_MANIFEST = 512 * 1024;
/** No manifest comes near it. It bounds the recursion here, and in whatever walks the result. */
const MAX_DEPTH = 100;
/** Characters with all aliases written out: what an API server takes at most. */
const MAX_SIZE = 3 * 1024 * 1024;
/** What a value counts besides its text: bounds the time (200,000 of them take 0.1 s), too. */
const SIZE_OF_VALUE = 16;

/**
 * Reads one YAML document as `kubectl create -f` does: go.yaml.in/yaml/v2, which is YAML 1.1 but for
 * dates and base 60, turned into JSON by sigs.k8s.io/yaml. test/yaml-table.json holds what that is.
 * Stricter than kubectl where that would drop or change something without a word: a key that stands
 * twice, an integer that JavaScript cannot hold, tags of other tools, unusual line breaks. Laxer only
 * where kubectl does not read at all, as with a tab at the start of a block's text.
 *
 * Empty documents, as a `---` at the end makes one, do not count. Objects of the result may have any
 * key as their own, `__proto__` too, and no two parts of it are the same object.
 *
 * @returns null where the text holds nothing
 * @throws {InvalidYaml} one line, that of the text first where it is known
 */
export function parseManifest(text: string): Json {
  if (text.length > MAX_MANIFEST) throw new InvalidYaml(`longer than ${MAX_MANIFEST} characters`);
  const [manifest = null, second] = parseManifests(text);
  if (second === undefined) return manifest;
  throw new InvalidYaml(
    'there is more than one YAML document, and only one is read: remove the rest',
  );
}

/**
 * The same for several documents separated by `---`: all that are not empty.
 *
 * @throws {InvalidYaml} one line, that of the text first where it is known
 */
export function parseManifests(text: string): Json[] {
  checkText(text);
  const budget = { left: MAX_SIZE };
  // js-yaml forgets a last line of nothing but spaces, which libyaml keeps in a block `|+`.
  return readNodes(/\n +$/.test(text) ? `${text}\n` : text, MAX_DEPTH)
    .map((document) => decode(document, { budget, depth: 0 }))
    .filter((value) => value !== null);
}

/** What libyaml or kubectl's splitter of documents would not take, or would take for something else. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [
    /[^\t\n\r\u0020-\u007e\u0085\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u,
    'a control character: write it as an escape in double quotes',
  ],
  [
    /[\u0085\u2028\u2029]/u,
    'a line break that only kubectl takes for one: write it as an escape in double quotes',
  ],
  [/^---(?!\s*$|[ \t]+#)/mu, 'nothing but a comment may follow ---'],
  [/^%/mu, 'YAML directives are not read: remove the line'],
];

function checkText(text: string): void {
  if (text.length > MAX_TEXT) throw new InvalidYaml(`longer than ${MAX_TEXT} characters`);
  for (const [pattern, why] of REFUSED) {
    const at = text.search(pattern);
    if (at >= 0) throw new InvalidYaml(why, text.slice(0, at).split('\n').length);
  }
}

interface Frame {
  readonly budget: { left: number };
  readonly depth: number;
}

function charge({ budget, depth }: Frame, size: number, line: number): void {
  budget.left -= SIZE_OF_VALUE + size;
  if (budget.left < 0) throw new InvalidYaml('too large once its aliases are expanded', line);
  if (depth > MAX_DEPTH) throw new InvalidYaml(`nested deeper than ${MAX_DEPTH}`, line);
}

function decode(node: Node, frame: Frame): Json {
  charge(frame, node.kind === 'scalar' ? node.text.length : 0, node.line);
  const inner = { ...frame, depth: frame.depth + 1 };
  switch (node.kind) {
    case 'alias':
      return decode(node.target, frame);
    case 'scalar':
      return toJson(resolve(node), node.line);
    case 'sequence':
      checkTag(node.tag, 'seq', node.line);
      return node.children.map((child) => decode(child, inner));
    case 'mapping': {
      const entries = new Map<string, Json>();
      decodePairs(node, entries, inner);
      // Unlike an assignment this makes `__proto__` a key like any other.
      return Object.fromEntries(entries);
    }
  }
}

/** In order, as Go does it: a merge below a key overrides it, against what YAML's authors meant. */
function decodePairs(node: MappingNode, entries: Map<string, Json>, frame: Frame): void {
  checkTag(node.tag, 'map', node.line);
  const seen = new Set<string>();
  for (let i = 0; i + 1 < node.children.length; i += 2) {
    const [key, value] = node.children.slice(i, i + 2);
    if (key === undefined || value === undefined) continue;
    if (isMerge(key)) {
      merge(value, entries, frame);
      continue;
    }
    const name = keyName(key);
    if (seen.has(name)) throw new InvalidYaml(`the key ${name} is there twice`, key.line);
    seen.add(name);
    entries.set(name, decode(value, frame));
  }
}

function isMerge(key: Node): boolean {
  if (key.kind !== 'scalar' || key.text !== '<<') return false;
  return key.tag === '' ? key.plain : key.tag === '!!merge';
}

/** Of a list the first mapping wins. */
function merge(value: Node, entries: Map<string, Json>, frame: Frame): void {
  const sources = value.kind === 'sequence' ? value.children.toReversed() : [value];
  for (const source of sources) {
    const mapping = source.kind === 'alias' ? source.target : source;
    if (mapping.kind !== 'mapping') {
      throw new InvalidYaml('<< takes a mapping or a list of mappings', source.line);
    }
    // Merges of merges grow as aliases of aliases do.
    charge(frame, 0, source.line);
    decodePairs(mapping, entries, { ...frame, depth: frame.depth + 1 });
  }
}

const INT64_MAX = 2n ** 63n - 1n;

function keyName(key: Node): string {
  if (key.kind === 'alias') return keyName(key.target);
  if (key.kind !== 'scalar') throw new InvalidYaml('a key must be a scalar', key.line);
  const value = resolve(key);
  if (value === null) throw new InvalidYaml('a key must not be empty or null', key.line);
  if (typeof value === 'bigint' && value > INT64_MAX) {
    throw new InvalidYaml(
      `Kubernetes does not accept the key ${value}: put it in quotes`,
      key.line,
    );
  }
  return typeof value === 'number' ? floatKey(value) : String(value);
}

function toJson(value: Scalar, line: number): Json {
  if (typeof value === 'bigint') return toNumber(value, line);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new InvalidYaml('JSON has no .inf and no .nan: put it in quotes if it is text', line);
  }
  return value;
}

function toNumber(value: bigint, line: number): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new InvalidYaml(`${value} is beyond 2^53: put it in quotes if it is text`, line);
}

const YAML_TAG = 'tag:yaml.org,2002:';
const NO_TAG = 'means nothing to Kubernetes: remove it';

/** `!!int` and `!<tag:yaml.org,2002:int>` are `int`, `!` is `!`. */
function tagName(tag: string): string {
  const name = tag.startsWith('!<') ? tag.slice(2, -1) : tag.replace(/^!!/, YAML_TAG);
  return name.startsWith(YAML_TAG) ? name.slice(YAML_TAG.length) : name;
}

function checkTag(tag: string, allowed: string, line: number): void {
  if (tag === '' || tag === '!' || tagName(tag) === allowed) return;
  throw new InvalidYaml(`the tag ${tag} ${NO_TAG}`, line);
}

function resolve({ text, plain, tag, line }: ScalarNode): Scalar {
  if (tag === '') return plain ? resolvePlain(text) : text;
  if (tag === '!') return text;
  const as = TAGS.get(tagName(tag));
  if (as === undefined) throw new InvalidYaml(`the tag ${tag} ${NO_TAG}`, line);
  const value = as(resolvePlain(text), text);
  if (value === undefined) throw new InvalidYaml(`${text} is not a ${tag}`, line);
  return value;
}

/** What a tag makes of a value and the text it came from; undefined where it fits not. */
const TAGS: ReadonlyMap<string, (value: Scalar, text: string) => Scalar | undefined> = new Map<
  string,
  (value: Scalar, text: string) => Scalar | undefined
>([
  ['str', (_, text) => text],
  ['int', (value) => (typeof value === 'bigint' ? value : undefined)],
  ['float', (value) => (typeof value === 'bigint' ? Number(value) : onlyIf('number', value))],
  ['bool', (value) => onlyIf('boolean', value)],
  ['null', (value) => (value === null ? value : undefined)],
]);

function onlyIf(type: 'number' | 'boolean', value: Scalar): Scalar | undefined {
  return typeof value === type ? value : undefined;
}

import { type ConfigMap, isObject, type Json, type JsonObject } from '../kubernetes.ts';
import { error, type Finding } from '../operarius/operarius.ts';
import { type LineOf, readLines } from '../yaml/lines.ts';
import { InvalidYaml, parseManifests } from '../yaml/yaml.ts';

/** A text with definitions in it, and the name that findings call it by. */
export interface Source {
  readonly file: string;
  readonly text: string;
}

/** A ConfigMap, and where it stands. */
export interface Definition {
  readonly file: string;
  readonly configMap: ConfigMap;
  /** Whether it names its namespace. */
  readonly inNamespace: boolean;
  /** The line of one of its fields. */
  readonly lineOf: LineOf;
}

/** A finding with the place where it is silenced or mended. */
export interface Placed extends Finding {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

/** What a source holds. */
export interface Contents {
  readonly definitions: readonly Definition[];
  /** Why some of it cannot be read. */
  readonly findings: readonly Placed[];
}

/** The namespace of a ConfigMap that names none. */
const NO_NAMESPACE = 'default';

/**
 * Finds the ConfigMaps of a text: in YAML with several documents, as Kustomize and Helm print it, in JSON
 * and in lists. Documents that cannot hold an operarius are not read: they may be anything.
 *
 * @param namespace of ConfigMaps that name none
 */
export function readDefinitions(source: Source, namespace = NO_NAMESPACE): Contents {
  const documents = split(source.text).filter(
    ({ text }) => text.includes('ConfigMap') && /openfero/i.test(text),
  );
  const contents = documents.map((document) => readDocument(document, source.file, namespace));
  return {
    definitions: contents.flatMap(({ definitions }) => definitions),
    findings: contents.flatMap(({ findings }) => findings),
  };
}

interface Document {
  readonly text: string;
  /** Lines before it. */
  readonly before: number;
}

/** As kubectl does: by lines that begin with `---`. */
function split(text: string): Document[] {
  const documents: { lines: string[]; before: number }[] = [{ lines: [], before: 0 }];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (/^---(?:\s|$)/.test(line)) documents.push({ lines: [], before: i + 1 });
    else documents.at(-1)?.lines.push(line);
  }
  return documents.map(({ lines, before }) => ({ text: lines.join('\n'), before }));
}

function readDocument({ text, before }: Document, file: string, namespace: string): Contents {
  const lines = readLines(text);
  const lineOf: LineOf = (path, within) => before + lines(path, within);
  try {
    const objects = parse(text).flatMap((value) => objectsIn(value, ''));
    const contents = objects
      .filter(({ object }) => object['kind'] === 'ConfigMap')
      .map(({ object, path }) => {
        const below: LineOf = (field, within) => lineOf(path + field, within);
        return readConfigMap(object, { file, lineOf: below }, namespace);
      });
    return {
      definitions: contents.flatMap(({ definitions }) => definitions),
      findings: contents.flatMap(({ findings }) => findings),
    };
  } catch (thrown) {
    if (!(thrown instanceof InvalidYaml)) throw thrown;
    const { why, line = 1 } = thrown;
    const finding = { ...error('yaml', '', why), file, line: before + line };
    return { definitions: [], findings: [finding] };
  }
}

/** kubectl reads what begins with a brace as JSON. */
function parse(text: string): Json[] {
  if (!/^\s*\{/.test(text)) return parseManifests(text);
  try {
    return [JSON.parse(text)];
  } catch {
    // YAML says the line, and takes more.
    return parseManifests(text);
  }
}

interface Found {
  readonly object: JsonObject;
  /** `items[0].`, or empty. */
  readonly path: string;
}

function objectsIn(value: Json, path: string): Found[] {
  if (!isObject(value)) return [];
  const { kind, items } = value;
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) {
    return [{ object: value, path }];
  }
  // The items of a ConfigMapList need no kind of their own.
  const ofKind = kind === 'List' ? {} : { kind: kind.slice(0, -'List'.length) };
  return items.flatMap((item, i) =>
    isObject(item) ? objectsIn({ ...ofKind, ...item }, `${path}items[${i}].`) : [],
  );
}

function readConfigMap(
  object: JsonObject,
  place: Pick<Definition, 'file' | 'lineOf'>,
  namespace: string,
): Contents {
  const { data = null } = object;
  const metadata = object['metadata'] ?? null;
  const name = isObject(metadata) ? metadata['name'] : undefined;
  const wrong = (path: string, message: string): Contents => ({
    definitions: [],
    findings: [
      { ...error('manifest', '', message), path, file: place.file, line: place.lineOf(path) },
    ],
  });
  if (!isObject(metadata) || typeof name !== 'string' || name === '') {
    return wrong('metadata', 'metadata.name of the ConfigMap is missing');
  }
  if (data !== null && !isObject(data)) {
    return wrong('data', 'data of the ConfigMap is not an object');
  }
  const own = metadata['namespace'];
  const inNamespace = typeof own === 'string' && own !== '';
  const configMap: JsonObject = {
    ...object,
    metadata: {
      ...metadata,
      ...{ name, namespace: inNamespace ? own : namespace },
      labels: objectOrNone(metadata['labels']),
      annotations: objectOrNone(metadata['annotations']),
    },
    data: data ?? {},
  };
  if (!isConfigMap(configMap)) return { definitions: [], findings: [] };
  return { definitions: [{ ...place, inNamespace, configMap }], findings: [] };
}

/** What reads the texts in it checks each: a file can hold what an API server would not. */
function isConfigMap(object: JsonObject): object is JsonObject & ConfigMap {
  return isObject(object['metadata']) && isObject(object['data']);
}

function objectOrNone(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

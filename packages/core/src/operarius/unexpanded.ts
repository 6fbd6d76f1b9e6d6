import { isObject, type Json, type JsonObject } from '../kubernetes.ts';
import { type Container, containersOf } from './fields.ts';
import { error, type Finding, inField, warning } from './findings.ts';
import { plainWords } from './scripts.ts';

/**
 * Finds placeholders of other tools: OpenFero changes nothing in a manifest, and Kubernetes expands
 * `$(NAME)` only. The Job would run with the placeholder as its text.
 *
 * @param template a manifest that checkManifest has found good
 */
export function unexpanded(template: JsonObject, place: string): Finding[] {
  const texts = [...textsOf(template, '')];
  return [
    ...texts.flatMap((text) => ofTemplates(text, place)),
    ...texts.flatMap((text) => outsideOfContainers(text, place)),
    ...containersOf(template).flatMap((container) => ofShell(container, place)),
  ];
}

interface Text {
  readonly path: string;
  readonly text: string;
}

function* textsOf(value: Json, path: string): Generator<Text> {
  if (typeof value === 'string') yield { path, text: value };
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) yield* textsOf(item, `${path}[${i}]`);
  } else if (isObject(value)) {
    for (const [name, item] of Object.entries(value)) {
      yield* textsOf(item, path === '' ? name : `${path}.${name}`);
    }
  }
}

/** Fields of Alertmanager's and Prometheus' templates and of Helm's: nobody else has them. */
const OF_ALERTS =
  /(?<![\w.)])\$?\.(?:Alerts?|Labels|Annotations|CommonLabels|CommonAnnotations|GroupLabels|Values|Release|Chart)\b|\$(?:labels|annotations|value|externalLabels)\b/;

/** Longer ones are no placeholder that somebody forgot. */
const LONGEST_PLACEHOLDER = 500;

function ofTemplates({ path, text }: Text, place: string): Finding[] {
  const found = templatesIn(text);
  const ofAlert = found.find((each) => OF_ALERTS.test(each));
  const fix = 'use $(OPENFERO_<LABEL>), or in a shell "$OPENFERO_<LABEL>"';
  if (ofAlert !== undefined) {
    const message = `${path} contains ${shown(ofAlert)}, which nothing expands`;
    return [inField(path, error('template', place, message, fix))];
  }
  // Annotations are for other software, which may well expand them.
  const [first] = isAnnotation(path) ? [] : found;
  if (first === undefined) return [];
  const message = `${path} contains ${shown(first)}, which OpenFero and Kubernetes do not expand`;
  const other = 'ignore this if the program in the container does';
  return [inField(path, warning('template', place, message, other))];
}

/** Each `{{ ... }}` of a text. Without a regular expression, whose time would grow with the square. */
function templatesIn(text: string): string[] {
  const found: string[] = [];
  for (let start = text.indexOf('{{'); start >= 0; ) {
    const end = text.indexOf('}}', start);
    if (end < 0) break;
    if (end - start <= LONGEST_PLACEHOLDER) found.push(text.slice(start, end + 2));
    start = text.indexOf('{{', end + 2);
  }
  return found;
}

function isAnnotation(path: string): boolean {
  return /(?:^|\.)metadata\.annotations\./.test(path);
}

/** `${NAME}` of whatever name, `$NAME` only of ours: a lone `$` means too much else. */
const OF_SHELL = /(?<!\$)\$(?:\{([A-Za-z_]\w*)\}|(OPENFERO_\w+))/;
/** What Kubernetes expands, in commands, arguments and values of variables. */
const OF_KUBERNETES = /(?<!\$)(?:\$\$)*\$\((OPENFERO_\w+)\)/;

function ofShell(container: Container, place: string): Finding[] {
  const values = container.env.map(({ name, value = '' }) => ({
    path: `env ${name}`,
    text: value,
  }));
  return [...plainWords(container), ...values].flatMap(({ path, text }) => {
    const [mark, braced, ours] = OF_SHELL.exec(text) ?? [];
    const name = braced ?? ours;
    if (mark === undefined || name === undefined) return [];
    const message = `container ${container.name}: ${path} contains ${mark}, which nothing expands there: no shell reads it`;
    const field = path.startsWith('env ') ? 'env' : path;
    const finding = warning('template', place, message, `use $(${name})`);
    return [inField(`${container.path}.${field}`, finding)];
  });
}

/** Where Kubernetes expands, and commands of probes and hooks, which a shell may read. */
const IN_CONTAINER =
  /^spec\.template\.spec\.(?:initContainers|containers)\[\d+\]\.(?:(?:command|args)\[|env\[\d+\]\.value$|.*\.command\[|.*\.subPathExpr$)/;

function outsideOfContainers({ path, text }: Text, place: string): Finding[] {
  if (IN_CONTAINER.test(path) || isAnnotation(path)) return [];
  const mark = (OF_KUBERNETES.exec(text) ?? OF_SHELL.exec(text))?.[0];
  if (mark === undefined) return [];
  const message = `${path} contains ${mark}, which nothing expands there`;
  const fix = 'Kubernetes expands $(NAME) only in command, args and values of env';
  return [inField(path, warning('template', place, message, fix))];
}

function shown(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

import type { JsonObject } from '../kubernetes.ts';
import { type Container, containersOf } from './fields.ts';
import { type Finding, type FindingId, inField, warning } from './findings.ts';
import { isValueOfAlert, variablesOfAlert } from './shell-paste.ts';
import { commandsIn, type ShellCommand, type ShellWord } from './shell-words.ts';

/** A script that a shell reads, of one container. */
interface Script {
  readonly container: Container;
  readonly path: string;
  readonly text: string;
}

/** A longer one is not looked at: each word of it is. */
const LONGEST_SCRIPT = 64 * 1024;

const SHELL = /(?:^|\/)(?:ba|da|a|z|k)?sh$/;
const SCRIPT_FLAG = /^-[A-Za-z]*c$/;

/**
 * Warns of values of the alert that a script uses in a way in which they are more than text: a shell
 * splits what is not quoted, bash computes with it, and a program takes what begins with `-` as an option.
 *
 * @param template a manifest that checkManifest has found good
 */
export function shellValues(template: JsonObject, place: string): Finding[] {
  return containersOf(template).flatMap((container) => {
    const scripts = scriptsOf(container);
    return scripts.length > 0
      ? scripts.flatMap((script) => findingsOf(script, place))
      : plainArguments(container, place);
  });
}

function scriptsOf(container: Container): Script[] {
  const { words } = container;
  const shell = words.findIndex(({ text }) => SHELL.test(text));
  if (shell < 0) return [];
  return words.flatMap(({ path, text }, i) =>
    i > shell && SCRIPT_FLAG.test(words[i - 1]?.text ?? '') && text.length <= LONGEST_SCRIPT
      ? [{ container, path, text }]
      : [],
  );
}

/** What is wrong with a word: which value it is about. */
interface Fault {
  readonly id: FindingId;
  readonly name: string;
  readonly line: number;
}

function findingsOf(script: Script, place: string): Finding[] {
  const commands = commandsIn(script.text);
  const isOfAlert = valuesOfAlert(script.container, commands);
  const functions = [...script.text.matchAll(/^[ \t]*([\w-]+)[ \t]*\(\)/gm)].map(
    ([, name]) => name,
  );
  const faults = commands
    .flatMap((command) => faultsOf(command, functions))
    .filter(({ name }) => isOfAlert(name));
  const known = new Set<string>();
  return faults.flatMap((fault) => {
    const key = `${fault.id} ${fault.name}`;
    if (known.has(key)) return [];
    known.add(key);
    return [findingOf(fault, script, place)];
  });
}

/** Ours, those that a container makes of ours, and those that the script itself makes of them. */
function valuesOfAlert(
  container: Container,
  commands: readonly ShellCommand[],
): (name: string) => boolean {
  const names = new Set(variablesOfAlert(container));
  const isOfAlert = (name: string): boolean => isValueOfAlert(name) || names.has(name);
  for (const { words } of commands) {
    for (const { parts } of words) {
      const assigned = assignedIn(parts);
      const values = parts.flatMap((part) => (part.kind === 'value' ? [part.name] : []));
      if (assigned !== undefined && values.some(isOfAlert)) names.add(assigned);
    }
  }
  return isOfAlert;
}

function assignedIn(parts: ShellWord['parts']): string | undefined {
  return /^([A-Za-z_]\w*)\+?=/.exec(leadingText(parts))?.[1];
}

function leadingText(parts: ShellWord['parts']): string {
  let text = '';
  for (const part of parts) {
    if (part.kind === 'value') break;
    text += part.text;
  }
  return text;
}

/** What begins a command, and is not its program. */
const KEYWORDS = /^(?:if|then|else|elif|while|until|do|time|!|\{|exec|sudo|command|env|\w+=.*)$/s;

function faultsOf(command: ShellCommand, functions: readonly (string | undefined)[]): Fault[] {
  if (command.kind === 'arithmetic') return valuesIn(command.words, 'computed');
  const start = command.words.findIndex(({ parts }) => !KEYWORDS.test(leadingText(parts)));
  if (start < 0) return [];
  const words = command.words.slice(start);
  const program = leadingText(words[0]?.parts ?? []);
  const rest = words.slice(1);
  if (EVALUATES.test(program) || (program === '[[' && isArithmetic(rest))) {
    return valuesIn(rest, 'computed');
  }
  // A list of words is what two of these want, and a value that they split is meant to be.
  if (/^(?:for|case|\[\[)$/.test(program)) return [];
  const takesText = program === '' || TAKES_TEXT.test(program) || functions.includes(program);
  return [...unquoted(words), ...(takesText ? [] : optionLike(words))];
}

const EVALUATES = /^(?:eval|let)$/;

/** These take their arguments as text, or their first one is no option. */
const TAKES_TEXT =
  /^(?:echo|printf|test|\[|export|local|readonly|declare|typeset|return|exit|:|true|false)$/;

function isArithmetic(words: readonly ShellWord[]): boolean {
  return words.some(({ parts }) => /^-(?:eq|ne|lt|le|gt|ge)$/.test(leadingText(parts)));
}

function valuesIn(words: readonly ShellWord[], id: FindingId): Fault[] {
  return words.flatMap(({ parts, line }) =>
    parts.flatMap((part) => (part.kind === 'value' ? [{ id, name: part.name, line }] : [])),
  );
}

function unquoted(words: readonly ShellWord[]): Fault[] {
  return words
    .filter(({ parts }) => assignedIn(parts) === undefined)
    .flatMap(({ parts, line }) =>
      parts.flatMap((part) =>
        part.kind === 'value' && !part.quoted
          ? [{ id: 'unquoted' as const, name: part.name, line }]
          : [],
      ),
    );
}

function optionLike(words: readonly ShellWord[]): Fault[] {
  const texts = words.map(({ parts }) => leadingText(parts));
  const end = texts.indexOf('--');
  return words.flatMap(({ parts, line }, i) => {
    const [first] = parts.filter((part) => part.kind === 'value' || part.text !== '');
    if (i === 0 || first?.kind !== 'value' || (end >= 0 && end < i)) return [];
    return isValueOfOption(texts, i) ? [] : [{ id: 'option-like', name: first.name, line }];
  });
}

/** `--namespace "$X"` takes the value whatever it begins with, and so does jq's `--arg name "$X"`. */
function isValueOfOption(texts: readonly string[], i: number): boolean {
  return /^-/.test(texts[i - 1] ?? '') || /^--arg(?:json)?$/.test(texts[i - 2] ?? '');
}

/** A program that is started without a shell: Kubernetes puts the value in place of `$(NAME)`. */
function plainArguments(container: Container, place: string): Finding[] {
  const { words } = container;
  const texts = words.map(({ text }) => text);
  const isOfAlert = valuesOfAlert(container, []);
  const end = texts.indexOf('--');
  if (!words.some(({ path }) => path.startsWith('command')) || TAKES_TEXT.test(texts[0] ?? '')) {
    return [];
  }
  return words.flatMap(({ text, path }, i) => {
    const name = /^\$\((\w+)\)/.exec(text)?.[1];
    if (name === undefined || !isOfAlert(name) || i === 0) return [];
    if ((end >= 0 && end < i) || isValueOfOption(texts, i)) return [];
    const script = { container, path, text };
    return [findingOf({ id: 'option-like', name, line: 1 }, script, place)];
  });
}

interface Words {
  readonly message: (name: string) => string;
  readonly fix: (name: string) => string;
}

const WORDS: Readonly<Record<string, Words>> = {
  unquoted: {
    message: (name) => `uses $${name} without quotes, so a shell splits its value into words`,
    fix: (name) => `write "$${name}"`,
  },
  computed: {
    message: (name) => `computes with $${name}: a shell can run commands in such a value`,
    fix: (name) => `compare it with [ "$${name}" -gt 0 ], or check first that it is a number`,
  },
  'option-like': {
    message: (name) => `passes $${name} as an argument: a value that begins with - is an option`,
    fix: () => 'put -- before it, if the program takes that',
  },
};

function findingOf({ id, name, line }: Fault, script: Script, place: string): Finding {
  const { container, path } = script;
  const { message, fix } = WORDS[id] ?? { message: () => '', fix: () => '' };
  const text = `container ${container.name}: ${path} ${message(name)}`;
  return { ...inField(`${container.path}.${path}`, warning(id, place, text, fix(name))), line };
}

import type { Container } from './fields.ts';

/** `-c` of a shell and of Python, `-e` of Node.js and Perl, also as the last of several letters. */
const SCRIPT_FLAG = /^(?:-[A-Za-z]*[ce]|\/c|--?command|--eval)$/i;

/** Programs that are given a script as text. */
const INTERPRETER =
  /(?:^|[\s/])(?:(?:ba|da|a|z|k|c|tc)?sh|busybox|python[\d.]*|node|perl|ruby|pwsh|powershell|cmd|envsubst|eval)(?:\.exe)?(?:\s|$)/i;

/** Whether a word of a container may be a script: it follows `-c`, or has spaces. */
export function mayBeScript({ words }: Container, index: number): boolean {
  return followsFlag(words, index) || /\s/.test(words[index]?.text ?? '');
}

/**
 * The words of a container that no program will read as a script, to expand the variables in them: they
 * neither follow `-c` nor have spaces and an interpreter. Of an image's own entrypoint nothing is known.
 */
export function plainWords(container: Container): Container['words'] {
  const { words } = container;
  const mayInterpret =
    words.some(({ text }) => INTERPRETER.test(text)) ||
    !words.some(({ path }) => path.startsWith('command'));
  return words.filter(
    ({ text }, i) => !followsFlag(words, i) && !(mayInterpret && /\s/.test(text)),
  );
}

function followsFlag(words: Container['words'], index: number): boolean {
  return SCRIPT_FLAG.test(words[index - 1]?.text ?? '');
}

import { isObject, type Json, type JsonObject } from '../kubernetes.ts';

/** As Kubernetes expands it; `$$(` is its escape for a `$(` that stays. */
const EXPANSION = /(?<!\$)(?:\$\$)*\$\((OPENFERO_[^()\s]*)\)/;

/**
 * Warns of a template in which Kubernetes would paste the alert's text into a shell's script: whoever
 * sends an alert could then run commands. Looked for in what follows `-c`, and in all that has spaces.
 *
 * @param template a manifest that checkManifest has found good
 */
export function shellWarnings(template: JsonObject): string[] {
  const pod = at(at(at(template, 'spec'), 'template'), 'spec');
  return ['initContainers', 'containers'].flatMap((list) =>
    items(at(pod, list)).flatMap((container) => containerWarnings(container)),
  );
}

function containerWarnings(container: Json): string[] {
  const words = ['command', 'args'].flatMap((list) =>
    items(at(container, list)).map((word, i) => ({ word, place: `${list}[${i}]` })),
  );
  return words.flatMap(({ word, place }, i) => {
    if (typeof word !== 'string' || !isScript(word, words[i - 1]?.word)) return [];
    const variable = EXPANSION.exec(word)?.[1];
    if (variable === undefined) return [];
    const name = at(container, 'name');
    return [
      `container ${typeof name === 'string' ? name : '?'}: ${place} expands $(${variable}) inside a script, where the text of an alert could run as a command: use "$${variable}" instead`,
    ];
  });
}

/** `-c`, also as the last of several letters: `bash -euc`. */
function isScript(word: string, before: Json | undefined): boolean {
  return /\s/.test(word) || (typeof before === 'string' && /^-[a-z]*c$/.test(before));
}

function at(value: Json | undefined, name: string): Json | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function items(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

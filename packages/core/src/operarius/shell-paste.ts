import type { JsonObject } from '../kubernetes.ts';
import { type Container, containersOf } from './fields.ts';
import { type Finding, inField, warning } from './findings.ts';
import { mayBeScript } from './scripts.ts';

/** As Kubernetes expands it; `$$(` is its escape for a `$(` that stays. */
const EXPANSION = /(?<!\$)(?:\$\$)*\$\(([^()\s]*)\)/g;

/**
 * Warns of a template in which Kubernetes would paste the alert's text into a shell's script: whoever
 * sends an alert could then run commands. Also through other variables of the container: Kubernetes
 * expands `$(POD)` where `POD` is `x-$(OPENFERO_POD)`.
 *
 * @param template a manifest that checkManifest has found good
 */
export function shellPaste(template: JsonObject, place: string): Finding[] {
  return containersOf(template).flatMap((container) => containerFindings(container, place));
}

function containerFindings(container: Container, place: string): Finding[] {
  const ofAlert = variablesOfAlert(container);
  return container.words.flatMap(({ text, path }, i) => {
    if (!mayBeScript(container, i)) return [];
    const variable = expandedIn(text).find((name) => ofAlert.has(name) || isValueOfAlert(name));
    if (variable === undefined) return [];
    const message = `container ${container.name}: ${path} expands $(${variable}) inside a script, where the text of an alert could run as a command`;
    const finding = warning('shell-paste', place, message, `use "$${variable}" instead`);
    return [inField(`${container.path}.${path}`, finding)];
  });
}

/** The names of the container's own variables that hold text of the alert, directly or through others. */
export function variablesOfAlert(container: Container): ReadonlySet<string> {
  const usedBy = usesOf(container);
  const found = new Set<string>();
  const due = [OF_ALERT];
  for (let next = due.pop(); next !== undefined; next = due.pop()) {
    const added = (usedBy.get(next) ?? []).filter((name) => !found.has(name));
    for (const name of added) found.add(name);
    due.push(...added);
  }
  return found;
}

/** By each variable, those whose value expands it: in any order, since a wrong one is no protection. */
function usesOf({ env }: Container): ReadonlyMap<string, readonly string[]> {
  const uses = env.flatMap(({ name, value = '' }) =>
    expandedIn(value).map((used) => ({ name, used: isValueOfAlert(used) ? OF_ALERT : used })),
  );
  const groups = Map.groupBy(uses, ({ used }) => used);
  return new Map([...groups].map(([used, group]) => [used, group.map(({ name }) => name)]));
}

/** Stands for all variables that OpenFero sets. No variable has an empty name. */
const OF_ALERT = '';

function expandedIn(text: string): string[] {
  return [...text.matchAll(EXPANSION)].map(([, name = '']) => name);
}

export function isValueOfAlert(name: string): boolean {
  return name.startsWith('OPENFERO_');
}

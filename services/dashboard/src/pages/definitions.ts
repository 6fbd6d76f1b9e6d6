import type { DefinitionChange } from '@openfero/core/history/changes';
import { type Html, html } from './html.ts';
import { type Sign, sign } from './shapes.ts';
import { clock } from './times.ts';

const GONE: Sign = { word: 'No operarius', shape: 'slash', tone: 'wait' };
const INVALID: Sign = { word: 'Invalid', shape: 'alarm', tone: 'bad' };
const VALID: Sign = { word: 'Valid', shape: 'check', tone: 'good' };

/** Of the section on the page. */
export const CHANGES_ID = 'changes';

/** The last changes of an operarius; nothing where the history has none. */
export function definitionsSection(
  changes: readonly DefinitionChange[],
  now: number,
): Html | undefined {
  if (changes.length === 0) return undefined;
  return html`<section id="${CHANGES_ID}"><h2>Changes of the definition</h2><ol class="line">${changes.map((change) => item(change, now))}</ol>
<p class="quiet">Who changed it is in the audit log of the API server, or in the repository that it comes from.</p></section>`;
}

function item(change: DefinitionChange, now: number): Html {
  const { problem, mode, at } = change;
  const mine = mode !== undefined && html`<span class="small said">mode ${mode}</span>`;
  return html`<li><span class="at">${clock(at, now)}</span><div>${sign(signOf(change))} <span class="mono">${digests(change)}</span>${mine}${problem !== undefined && html`<span class="small said" dir="auto">${problem}</span>`}</div></li>`;
}

function signOf({ problem, definition }: DefinitionChange): Sign {
  if (definition === undefined) return GONE;
  return problem === undefined ? VALID : INVALID;
}

/** `0123456789, before abcdef0123`; the same digest where only its check says something else. */
function digests({ before, definition }: DefinitionChange): string {
  const was = before === undefined || before === definition ? [] : [`before ${before}`];
  return [...(definition === undefined ? [] : [definition]), ...was].join(', ');
}

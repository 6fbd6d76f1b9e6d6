import type { DefinitionChange } from '@openfero/core/history/changes';
import type { Handled } from '@openfero/core/history/row';
import { versionOf } from '@openfero/core/history/version';
import { CHANGES_ID } from '../definitions.ts';
import { Address, type Html, html, segment } from '../html.ts';
import { operariusLink } from '../occurrence-row.ts';
import { clock } from '../times.ts';
import type { StoryParts } from './parts.ts';

/** Which version of the operarius decided it, since when that was in force, and what it was changed to. */
export function versionWords(
  { operarius, end }: Handled,
  { definitionsOf, now }: Pick<StoryParts, 'definitionsOf' | 'now'>,
): Html | undefined {
  if (end?.definition === undefined) return undefined;
  const { began, next, more } = versionOf(definitionsOf(operarius), end.definition, end.at);
  const known = [began && beganWords(began, now), next && nextWords(next, more, now)].filter(
    (words) => words !== undefined,
  );
  const path = Address.own(`/operarii/${segment(operarius)}#${CHANGES_ID}`);
  return html`${end.definition} of ${operariusLink(operarius)}${
    known.length > 0 &&
    html`<span class="small said"><a href="${path}">${known.map((words, index) => html`${index > 0 && '; '}${words}`)}</a></span>`
  }`;
}

/** The first version that a worker sees may be older than OpenFero. */
const beganWords = ({ before, at }: DefinitionChange, now: number): Html =>
  html`${before === undefined ? 'known' : 'in force'} since ${clock(at, now)}`;

function nextWords({ definition, at }: DefinitionChange, more: number, now: number): Html {
  const what = definition === undefined ? 'removed' : `changed to ${definition}`;
  const often = more === 0 ? '' : `, and ${more} more ${more === 1 ? 'change' : 'changes'}`;
  return html`${what} at ${clock(at, now)}${often}`;
}

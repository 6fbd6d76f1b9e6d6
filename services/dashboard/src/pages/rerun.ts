import type { Handled, Row } from '@openfero/core/history/row';
import { Address, type Html, html, segment } from './html.ts';
import type { Page } from './layout.ts';
import { storyOf } from './occurrence-row.ts';
import { sign } from './shapes.ts';
import { signOf, whyOf } from './signs.ts';
import { ago } from './times.ts';

/** Why a Job should not be run again: the worker would not. Undefined where it would. */
export const NOT_NEEDED =
  'The alert has resolved, so a worker would not run it again (unless its operarius has run-if-resolved).';

/** Whether the alert fires no more, as far as is known, so that a rerun would end as superseded. */
export const isNotNeeded = ({ firing, heard }: Row, handled: Handled): boolean =>
  handled === firing && heard?.status === 'resolved';

export const RERUN_WORDS =
  'A new Job for the same alert, as its operarius is now. It waits for its limits, and the switch counts; the cooldown does not. It runs unless the alert has resolved.';

/** Where a person asks for it. */
const rerunPath = (id: string): Address => Address.own(`/remediations/${segment(id)}/rerun`);

export const rerunForm = (id: string): Html =>
  html`<form class="actions" method="post" action="${rerunPath(id)}"><button class="primary">Run the Job again</button></form>`;

/** Asks before a Job is run again from a row: the row is small, and the press may be a slip. */
export function rerunQuestion(row: Row, handled: Handled, now: number): Page {
  const { job, operarius, id } = handled;
  const { fate } = job ?? {};
  const state = { kind: 'job-failed', duration: 0, reason: fate?.reason ?? '' } as const;
  return {
    title: `Run again? ${row.alertname.slice(0, 80)}`,
    section: 'Occurrences',
    main: html`<a class="back" href="${storyOf(row)}">Its story</a>
<h1>Run the Job of <span dir="auto">${row.alertname}</span> again?</h1>
<div class="stack narrow">
<p>${sign(signOf(state))} ${fate && ago(fate.endedAt, now)}<br><span class="quiet" dir="auto">${whyOf(state, now)}</span></p>
<p class="mono">${job?.name}</p>
<p>${RERUN_WORDS}</p>
${isNotNeeded(row, handled) && html`<p class="note bad">${NOT_NEEDED}</p>`}
<p class="quiet">Operarius ${operarius}. What the failed Job has done stays done: look at its logs first.</p>
<div class="actions">${rerunForm(id)} <a class="button" href="${storyOf(row)}">Cancel</a></div></div>`,
  };
}

/** A change that was not made, and why. */
export const refusedPage = (error: string): Page => ({
  title: 'Not done',
  section: 'Occurrences',
  main: html`<div class="empty"><h1>Nothing was changed</h1><p dir="auto">${error}</p>
<p><a href="${Address.own('/')}">Occurrences</a></p></div>`,
});

import type { Filter } from '@openfero/core/history/filter';
import { writeFilter } from '@openfero/core/history/filter-url';
import type { Handled, Row } from '@openfero/core/history/row';
import { isHeld, isRemoved } from '@openfero/core/history/row';
import { FAILURES } from '@openfero/core/outcome';
import { grouped, listOf } from './filters.ts';
import { Address, type Html, html } from './html.ts';
import type { Page } from './layout.ts';
import { storyOf } from './occurrence-row.ts';
import { ago } from './times.ts';

/** Remediations of one press: each is some round trips, and each may create a Job. */
export const MOST_RETRIED = 100;

/** A failed remediation that a list shows. */
export interface Failed {
  readonly row: Row;
  readonly handled: Handled;
}

/** The failed ones among the rows, newest first. */
export function failedOf(rows: readonly Row[]): readonly Failed[] {
  return rows.flatMap((row) =>
    [row.firing, row.resolved]
      .filter((handled) => handled !== undefined)
      .filter(isFailed)
      .map((handled) => ({ row, handled })),
  );
}

function isFailed(handled: Handled): boolean {
  return (
    !isHeld(handled) &&
    !isRemoved(handled) &&
    FAILURES.some((failure) => failure === handled.end?.outcome)
  );
}

/** Whether a list is about failed ones of some kind: only then there is one thing to retry. */
export const isAboutFailed = ({ only, outcomes }: Filter): boolean =>
  only === 'failed' ||
  only === 'expired' ||
  (outcomes.length > 0 && outcomes.every((outcome) => FAILURES.some((each) => each === outcome)));

/** The way to the question whether all of them should be retried. */
export const retryLink = (filter: Filter): Html =>
  html`<p class="actions"><a class="button" href="${Address.own('/retry', queryOf(filter))}">Retry all of these…</a></p>`;

const queryOf = (filter: Filter): string => writeFilter({ filter, after: undefined }).toString();

/** Names shown in the question. */
const SHOWN = 10;

/** Asks before many are retried: how many, and how old they are. */
export function retryQuestion(filter: Filter, failed: readonly Failed[], now: number): Page {
  const some = failed.slice(0, MOST_RETRIED);
  const ages = some.map(({ row }) => row.since);
  const query = `${queryOf(filter)}&before=${some.length === 0 ? 0 : Math.max(...some.map(({ handled }) => handled.end?.at ?? 0))}`;
  return {
    title: `Retry ${some.length}?`,
    section: 'Occurrences',
    main:
      some.length === 0
        ? html`<div class="empty"><h1>Nothing to retry</h1><p>No failed remediation is left in this list. <a href="${listOf({ filter, after: undefined })}">Back to it</a></p></div>`
        : html`<h1>Retry ${grouped(some.length)} failed ${some.length === 1 ? 'remediation' : 'remediations'}?</h1>
<div class="stack narrow">
<p>The oldest was received ${ago(Math.min(...ages), now)}, the newest ${ago(Math.max(...ages), now)}. Each that still applies gets a Job: its max-age counts from now, and it runs unless its alert has resolved.</p>
${failed.length > some.length && html`<p>The list has ${grouped(failed.length)}. At most ${MOST_RETRIED} are retried at once: the newest.</p>`}
<ul class="line">${some.slice(0, SHOWN).map(({ row, handled }) => html`<li><span class="at">${ago(row.since, now)}</span><div><a href="${storyOf(row)}" dir="auto">${row.alertname}</a><span class="small clamp" dir="auto">${handled.end?.outcome}: ${handled.end?.reason}</span></div></li>`)}${some.length > SHOWN && html`<li><span></span><span class="quiet">and ${some.length - SHOWN} more</span></li>`}</ul>
<form class="actions" method="post" action="${Address.own('/retry', query)}"><button class="primary">Retry ${grouped(some.length)}</button> <a class="button" href="${listOf({ filter, after: undefined })}">Cancel</a></form></div>`,
  };
}

/** What came of it. */
export const retriedPage = (filter: Filter, retried: number, asked: number): Page => ({
  title: `${retried} retried`,
  section: 'Occurrences',
  main: html`<div class="empty"><h1>${grouped(retried)} of ${grouped(asked)} wait again</h1>
<p>${retried < asked ? 'The others were not failed any more, or the queue has removed them.' : 'A worker takes them next.'}</p>
<p><a href="${listOf({ filter: { ...filter, only: undefined, outcomes: [] }, after: undefined })}">Occurrences</a></p></div>`,
});

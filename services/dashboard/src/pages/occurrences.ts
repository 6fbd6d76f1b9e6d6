import { type Filter, windowOf } from '@openfero/core/history/filter';
import { type Place, writeFilter } from '@openfero/core/history/filter-url';
import type { Answer } from '@openfero/core/history/query';
import { timeOfId } from '@openfero/core/history/stream-id';
import { chips, filterForm, grouped, listOf } from './filters.ts';
import { NOTHING, type Span } from './history.ts';
import { Address, type Html, html } from './html.ts';
import type { Page } from './layout.ts';
import { headOf, type LiveOf, occurrenceRow } from './occurrence-row.ts';
import { ago, clock } from './times.ts';

export interface ListParts {
  readonly place: Place;
  readonly problems: readonly string[];
  readonly answer: Answer;
  readonly span: Span | undefined;
  /** Names for the filter. */
  readonly operarii: readonly string[];
  readonly liveOf: LiveOf;
  readonly mayChange: boolean;
  /** What waits in the queue, if the history does not know it yet. */
  readonly queued: Html | undefined;
  /** A way to retry what the list shows, where it can be. */
  readonly retry: Html | undefined;
  readonly now: number;
}

/** The list of occurrences. */
export function occurrencesPage(parts: ListParts): Page {
  const { place, problems, answer, span, operarii, now, queued, retry } = parts;
  const { filter } = place;
  return {
    title: titleOf(answer),
    section: 'Occurrences',
    events: eventsOf(place, span),
    main: html`<div class="head"><h1>Occurrences</h1>
<p class="quiet">${coverage(filter, span, now)}</p></div>
${filterForm(filter, operarii)}
${problems.map((problem) => html`<p class="note bad" role="alert" dir="auto">${problem}. This part of the filter is left out.</p>`)}
${chips(filter, answer)}
${answer.hidden > 0 && hiddenNote(filter, answer.hidden)}
${retry}
<p class="visually-hidden" role="status"></p>
<p class="fresh"><button type="button" data-fresh hidden></button></p>
${answer.rows.length > 0 || queued !== undefined ? table(parts) : undefined}
${answer.rows.length === 0 && place.after === undefined && empty(parts)}
${pager(place, answer)}`,
  };
}

function titleOf({ chips: { 'job-failed': jobs, failed, expired }, total }: Answer): string {
  const bad = jobs + failed + expired;
  return bad > 0
    ? `${grouped(bad)} failed`
    : `${grouped(total)} ${total === 1 ? 'occurrence' : 'occurrences'}`;
}

/** Only the first page hears of what is new: it would not belong on another one. */
function eventsOf({ filter, after }: Place, span: Span | undefined): Address {
  const query = writeFilter({ filter, after: undefined });
  query.set('since', span?.last ?? NOTHING);
  if (after !== undefined) query.set('older', '1');
  return Address.own('/events', query.toString());
}

function coverage(filter: Filter, span: Span | undefined, now: number): Html {
  const { from, to } = windowOf(filter, now);
  const begins = span === undefined ? now : timeOfId(span.first);
  const end = Number.isFinite(to) ? html` to ${clock(to, now)}` : '';
  const asked = filter.from ?? filter.last ?? filter.to;
  const words =
    asked === undefined ? html`the last 24 hours` : html`since ${clock(from, now)}${end}`;
  return html`${words}, newest first${begins > from && html`. The history begins ${ago(begins, now)}`}`;
}

const hiddenNote = (filter: Filter, hidden: number): Html =>
  html`<p class="note">${grouped(hidden)} hidden, since no operarius is for them: <a href="${listOf({ filter: { ...filter, all: true }, after: undefined })}">show</a></p>`;

function table({ answer: { rows, total }, queued, liveOf, mayChange, now }: ListParts): Html {
  return html`<table class="occurrences">
${headOf(html`${grouped(rows.length)} of ${grouped(total)}`)}
${queued}
<tbody>
${rows.map((row) => occurrenceRow(row, { now, liveOf, mayChange, isShown: true }))}
</tbody>
</table>`;
}

function pager({ filter, after }: Place, { next }: Answer): Html | undefined {
  if (next === undefined && after === undefined) return undefined;
  const link = (to: string | undefined, word: string): Html =>
    html`<a href="${listOf({ filter, after: to })}">${word}</a>`;
  return html`<nav class="more" aria-label="Pages of the list">
<span>${after !== undefined && link(undefined, 'Newest')}</span><span>${next !== undefined && link(next, 'Older')}</span></nav>`;
}

/** Whether nothing came, or nothing is known. */
function empty({ place: { filter }, answer, span, now }: ListParts): Html {
  const link = (to: Filter, words: string): Html =>
    html`<a href="${listOf({ filter: to, after: undefined })}">${words}</a>`;
  if (span === undefined) {
    return html`<div class="empty"><h2>The history is empty</h2>
<p>Nothing has ended since it began, or Redis has lost it. What waits is in the <a href="/queue">queue</a>.</p>
<p>If you expect alerts: has Alertmanager a receiver with the address of OpenFero? See Last notification above.</p></div>`;
  }
  if (answer.hidden > 0) {
    return html`<div class="empty"><h2>Nothing that an operarius is for</h2>
<p>${grouped(answer.hidden)} alerts came that nobody wrote an operarius for: ${link({ ...filter, all: true }, 'show them')}.</p></div>`;
  }
  const { from } = windowOf(filter, now);
  const begins = timeOfId(span.first);
  return html`<div class="empty"><h2>No occurrence matches</h2>
<p>${
    begins > from
      ? html`The history begins ${ago(begins, now)}, at ${clock(begins, now)}: what was before is not known.`
      : html`The history has all of this time: nothing came that this filter shows.`
  }</p>
<p><a href="/">Show the last 24 hours</a></p></div>`;
}

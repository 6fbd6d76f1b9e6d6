import { type Filter, windowOf } from '@openfero/core/history/filter';
import type { Place } from '@openfero/core/history/filter-url';
import type { Answer } from '@openfero/core/history/query';
import { timeOfId } from '@openfero/core/history/stream-id';
import { writeFilter } from '@openfero/core/history/filter-url';
import { chips, filterForm, grouped, listOf } from './filters.ts';
import type { History } from './history.ts';
import { Address, type Html, html } from './html.ts';
import type { Page } from './layout.ts';
import { type LiveOf, occurrenceRow } from './occurrence-row.ts';
import { ago, clock } from './times.ts';

export interface ListParts {
  readonly place: Place;
  readonly problems: readonly string[];
  readonly answer: Answer;
  readonly history: Pick<History, 'span'>;
  /** Names for the filter. */
  readonly operarii: readonly string[];
  readonly liveOf: LiveOf;
  /** What waits in the queue, if the history does not know it yet. */
  readonly queued: Html | undefined;
  /** A way to retry what the list shows, where it can be. */
  readonly retry: Html | undefined;
  readonly now: number;
}

/** The list of occurrences. */
export function occurrencesPage(parts: ListParts): Page {
  const { place, problems, answer, history, operarii, now, queued, retry } = parts;
  const { filter } = place;
  return {
    title: titleOf(answer),
    section: 'Occurrences',
    events: eventsOf(place, history),
    main: html`<div class="head"><h1>Occurrences</h1>
<p class="quiet">${coverage(filter, history, now)}</p></div>
${filterForm(filter, operarii)}
${problems.map((problem) => html`<p class="note bad" role="alert" dir="auto">${problem}. This part of the filter is left out.</p>`)}
${chips(filter, answer)}
${answer.hidden > 0 && hiddenNote(filter, answer.hidden)}
${retry}
<p class="visually-hidden" role="status"></p>
<p class="fresh"><button type="button" data-fresh hidden></button></p>
${queued}
${answer.rows.length > 0 ? table(parts) : place.after === undefined && queued === undefined && empty(parts)}
${pager(place, answer)}`,
  };
}

function titleOf({ chips: { 'job-failed': jobs, failed, expired }, total }: Answer): string {
  const bad = jobs + failed + expired;
  return bad > 0 ? `${grouped(bad)} failed` : `${grouped(total)} occurrences`;
}

/** Only the first page hears of what is new: it would not belong on another one. */
function eventsOf({ filter, after }: Place, { span }: Pick<History, 'span'>): Address {
  const query = writeFilter({ filter, after: undefined });
  query.set('since', span?.last ?? '0-0');
  if (after !== undefined) query.set('older', '1');
  return Address.own('/events', query.toString());
}

function coverage(filter: Filter, { span }: Pick<History, 'span'>, now: number): Html {
  const { from, to } = windowOf(filter, now);
  const begins = span === undefined ? now : timeOfId(span.first);
  const end = Number.isFinite(to) ? html` to ${clock(to, now)}` : '';
  const asked = filter.from ?? filter.last ?? filter.to;
  const words =
    asked === undefined ? html`the last 24 hours` : html`since ${clock(from, now)}${end}`;
  return html`${words}, newest first${begins > from && html`. The history begins ${ago(begins, now)}`}`;
}

const hiddenNote = (filter: Filter, hidden: number): Html =>
  html`<p class="note">${grouped(hidden)} hidden, which no operarius is for: <a href="${listOf({ filter: { ...filter, all: true }, after: undefined })}">show</a></p>`;

export const COLUMNS = ['When', 'Alert', 'State', 'Why', 'Operarius', 'Job', 'Fate', 'Helped'];

function table({ answer, liveOf, now }: ListParts): Html {
  const { rows, total } = answer;
  return html`<table class="occurrences">
<caption>${grouped(rows.length)} of ${grouped(total)}</caption>
<thead><tr>${COLUMNS.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => occurrenceRow(row, { now, liveOf, isShown: true }))}
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
function empty({ place: { filter }, answer, history: { span }, now }: ListParts): Html {
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

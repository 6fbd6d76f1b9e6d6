import { UNWANTED } from '@openfero/core/history/filter';
import { type Handled, keyOf, type Row } from '@openfero/core/history/row';
import {
  type Helped,
  helpedOf,
  jobStateOf,
  type Live,
  type State,
  stateOf,
} from '@openfero/core/history/state';
import { timeOfId } from '@openfero/core/history/stream-id';
import { formatInstant } from '@openfero/core/instant';
import { NOTHING } from './history.ts';
import { Address, type Content, type Html, html, segment } from './html.ts';
import { type Sign, sign } from './shapes.ts';
import { signOf, tookOf, whyOf } from './signs.ts';
import { ago, clock, span } from './times.ts';

/** What Redis knows now of the remediations of a row, by their ids. */
export type LiveOf = (remediation: string) => Live;

/** One remediation of a row, as it is shown. */
export interface Told {
  readonly handled: Handled;
  readonly state: State;
}

/**
 * What a row shows: what became of the firing alert, else of the resolved one. Of the resolved one too, if
 * somebody wrote an operarius for it.
 */
export function toldOf(row: Row, liveOf: LiveOf, now: number): readonly Told[] {
  const { firing, resolved } = row;
  const wanted = [firing, resolved].filter((each) => each !== undefined && !isUnwanted(each));
  const shown = wanted.length > 0 ? wanted : [firing ?? resolved];
  return shown
    .filter((handled) => handled !== undefined)
    .map((handled) => ({ handled, state: stateOf(handled, liveOf(handled.id), now) }));
}

const isUnwanted = ({ end }: Handled): boolean =>
  end !== undefined && UNWANTED.includes(end.outcome);

/** The address of the story. What only the queue knows has one by its remediation. */
export function storyOf({ fingerprint, startsAt, firing, resolved, cursor }: Row): Address {
  return fingerprint === '' || cursor === NOTHING
    ? Address.own(`/remediations/${segment((firing ?? resolved)?.id ?? '')}`)
    : Address.own(`/occurrences/${segment(fingerprint)}/${segment(formatInstant(startsAt))}`);
}

/** The id of the row in the page: the script finds it by that. */
export const rowId = ({ fingerprint, startsAt, firing, resolved }: Row): string =>
  `o-${keyOf({ fingerprint, startsAt, id: (firing ?? resolved)?.id ?? '' })}`.replaceAll(' ', '-');

/** The columns of a table of rows. */
export const COLUMNS = ['When', 'Alert', 'State', 'Why', 'Operarius', 'Job', 'Fate', 'Helped'];

/** The head of a table of rows, with its caption. */
export const headOf = (caption: Html): Html => html`<caption>${caption}</caption>
<thead><tr>${COLUMNS.map((name) => html`<th scope="col" class="of-${name.toLowerCase()}">${name}</th>`)}</tr></thead>`;

export interface RowOptions {
  readonly now: number;
  readonly liveOf: LiveOf;
  /** Whether the filter of the page lets it pass. */
  readonly isShown: boolean;
  /** Whether a person may have a Job run again. */
  readonly mayChange: boolean;
}

/** A row of the list: a table's row, which narrow screens show as a block. */
export function occurrenceRow(row: Row, { now, liveOf, isShown, mayChange }: RowOptions): Html {
  const told = toldOf(row, liveOf, now);
  const tone = told
    .map(({ state }) => signOf(state).tone)
    .find((each) => each === 'bad' || each === 'wait');
  const each = (show: (one: Told) => Content): Content[] =>
    told.map(show).filter((shown) => shown !== undefined);
  return html`<tr id="${rowId(row)}"${tone && html` class="${tone}"`}${isShown && html` data-shown="1"`}>
<td class="when">${ago(changedAt(row), now)} <span class="small">began ${clock(row.since, now)}</span></td>
<th scope="row">${alertCell(row)}</th>
<td class="state">${each(({ handled, state }) => html`<div>${sign(signOf(state))}${onResolved(row, handled)}</div>`)}</td>
${cell(
  '',
  each(({ state }) =>
    nonEmpty(whyOf(state, now), (why) => html`<div class="clamp" dir="auto">${why}</div>`),
  ),
)}
${cell(
  'Operarius',
  each(({ handled }) => shortOperariusLink(handled.operarius)),
)}
${cell(
  'Job',
  each(({ handled }) => jobName(handled)),
)}
${cell(
  'Job ended',
  each(({ handled, state }) => {
    const fate = fateOf(handled, state, liveOf(handled.id), now);
    return fate && [fate, mayChange && state.kind === 'job-failed' && againLink(handled)];
  }),
)}
${cell('Helped', [nonEmpty(helpedOf(row), (helped) => sign(helpedSign(helped)))])}
</tr>`;
}

/** When something was last heard of it: the order of the list. */
const changedAt = ({ cursor, since }: Row): number => Math.max(since, timeOfId(cursor));

/** @param name of the column, where the content alone does not say what it is */
function cell(name: string, content: readonly Content[]): Html {
  const shown = content.filter((each) => each !== undefined);
  if (shown.length === 0)
    return html`<td class="nothing"><span class="quiet" aria-hidden="true">–</span></td>`;
  return html`<td${name !== '' && html` data-of="${name}" class="${name.toLowerCase().replace(' ', '-')}"`}><div>${shown}</div></td>`;
}

const nonEmpty = <T>(value: T | undefined | '', show: (value: T) => Html): Html | undefined =>
  value === undefined || value === '' ? undefined : show(value);

/** Labels that tell two alerts of one name apart, in the order of their use. */
const TELLING =
  'pod instance node persistentvolumeclaim deployment statefulset job_name container service device cluster'.split(
    ' ',
  );
const SHOWN_LABELS = 2;
/** Characters of a label in the list. The story has the whole one. */
const SHOWN_LENGTH = 60;

function alertCell(row: Row): Html {
  const { labels, alertname } = row;
  const value = (name: string): string => (Object.hasOwn(labels, name) ? (labels[name] ?? '') : '');
  const telling = TELLING.filter((name) => value(name) !== '').slice(0, SHOWN_LABELS);
  const severity = value('severity');
  const parts = [
    nonEmpty(severity, (text) => severityOf(text)),
    nonEmpty(value('namespace'), (text) => html`<span dir="auto">${cut(text)}</span>`),
    ...telling.map((name) => html`<span dir="auto">${cut(value(name))}</span>`),
  ];
  return html`<a class="name" href="${storyOf(row)}" dir="auto">${cut(alertname) || 'unreadable remediation'}</a>
<span class="labels">${parts}</span>`;
}

export const severityOf = (text: string): Html =>
  html`<span class="severity${(text === 'critical' || text === 'warning') && ` ${text}`}" dir="auto">${cut(text)}</span>`;

function cut(text: string): string {
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}

const onResolved = ({ firing }: Row, handled: Handled): Html | undefined =>
  firing === handled || firing === undefined
    ? undefined
    : html` <span class="small">for “resolved”</span>`;

export const operariusLink = (name: string): Html | undefined =>
  nonEmpty(name, (text) => html`<a class="mono" href="${pageOf(text)}">${text}</a> `);

const pageOf = (operarius: string): Address => Address.own(`/operarii/${segment(operarius)}`);

/** Nearly all names begin and end alike: in a list what is between tells them apart. */
const OPERARIUS = /^(openfero-)(.+)(-firing|-resolved)$/;

function shortOperariusLink(name: string): Html | undefined {
  const [, start, middle, last] = OPERARIUS.exec(name) ?? [];
  if (middle === undefined) return operariusLink(name);
  const hidden = (text: string | undefined): Html =>
    html`<span class="visually-hidden">${text}</span>`;
  return html`<a class="mono" href="${pageOf(name)}">${hidden(start)}${middle}${hidden(last)}</a> `;
}

/** What tells Jobs apart is at the end of their names: what is before is cut where there is no room. */
const JOB = /^(.+)(-[0-9a-f]{10})$/;

function jobName({ job }: Handled): Html | undefined {
  if (job === undefined) return undefined;
  const [, front = job.name, end] = JOB.exec(job.name) ?? [];
  return html`<div class="mono job-name"><span>${front}</span>${end && html`<span>${end}</span>`}</div>`;
}

/** How the Job ended. Where the state says so already, it is not said loudly twice. */
function fateOf(handled: Handled, state: State, live: Live, now: number): Html | undefined {
  const job = jobStateOf(handled, live, now);
  if (job === undefined) return undefined;
  const took = tookOf(job);
  const { word, ...rest } = signOf(job);
  const words = `${word.replace(/^Job:? /, '')}${took === undefined ? '' : ` in ${took}`}`;
  return html`<div>${job.kind === state.kind ? words : sign({ ...rest, word: words })}</div>`;
}

/** The way to the question whether its Job should run again, or who did so already. */
function againLink({ id, act }: Handled): Html {
  if (act?.act === 'rerun') return html`<div class="small">run again by ${act.user}</div>`;
  const path = Address.own(`/remediations/${segment(id)}/rerun`);
  return html`<a class="again" href="${path}">Run again…</a>`;
}

/** Whether it helped, as a sign. */
export function helpedSign(helped: Helped): Sign {
  switch (helped.kind) {
    case 'resolved':
      return { word: resolvedWord(helped.after), shape: 'check', tone: 'good' };
    case 'still-firing':
      return { word: 'still firing', shape: 'alarm', tone: 'bad' };
    case 'no-word':
      return { word: 'no word', shape: 'query', tone: 'quiet' };
  }
}

function resolvedWord(after: number | undefined): string {
  if (after === undefined) return 'resolved';
  return after < 0 ? 'resolved before its end' : `resolved ${span(after)} after`;
}

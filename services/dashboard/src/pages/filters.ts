import {
  CHIPS,
  type Chip,
  FATE_FILTERS,
  type FateFilter,
  type Filter,
} from '@openfero/core/history/filter';
import { type Place, writeFilter } from '@openfero/core/history/filter-url';
import type { Answer } from '@openfero/core/history/query';
import { ENDS } from '@openfero/core/outcome';
import { Address, type Html, html } from './html.ts';

/** The address of the list with this filter. */
export const listOf = (place: Place): Address => Address.own('/', writeFilter(place).toString());

const first = (filter: Filter): Address => listOf({ filter, after: undefined });

const CHIP_WORDS: Readonly<Record<Chip, { readonly name: string; readonly tone: 'bad' | 'wait' }>> =
  {
    'job-failed': { name: 'Failed Job', tone: 'bad' },
    failed: { name: 'Failed remediation', tone: 'bad' },
    expired: { name: 'Expired', tone: 'bad' },
    held: { name: 'Held', tone: 'wait' },
  };

/** What a person should look at, with exact numbers. */
export function chips(filter: Filter, answer: Answer): Html {
  const chip = (only: Chip | undefined, name: string, tone: string, count?: number): Html =>
    html`<li><a href="${first({ ...filter, only })}"${filter.only === only && html` aria-current="true"`}${count !== 0 && html` class="${tone}"`}>${name}${count !== undefined && html` <b>${grouped(count)}</b>`}</a></li>`;
  return html`<ul class="chips" aria-label="What needs a look">
${chip(undefined, 'All', '', filter.only === undefined ? answer.total : undefined)}
${CHIPS.map((only) => chip(only, CHIP_WORDS[only].name, CHIP_WORDS[only].tone, answer.chips[only]))}</ul>`;
}

/** 1,204 */
export const grouped = (count: number): string => count.toLocaleString('en-US');

const FATE_WORDS: Readonly<Record<FateFilter, string>> = {
  succeeded: 'succeeded',
  failed: 'failed',
  deleted: 'deleted',
  denied: 'denied',
  lapsed: 'lapsed, nobody answered',
  withdrawn: 'withdrawn, the alert had ended',
  none: 'not known',
};

/** The form whose fields are the URL: share it, bookmark it, go back. */
export function filterForm(filter: Filter, operarii: readonly string[]): Html {
  const { text, match, from, to, outcomes, fates, all, only } = filter;
  const isDetailed = !isPlain(filter);
  return html`<form class="filters" method="get" action="${Address.own('/')}" role="search">
<div class="search">
<label class="visually-hidden" for="q">Search alert names, labels and Jobs</label>
<input id="q" name="q" type="search" value="${text}" placeholder="Alert, label value or Job" autocomplete="off" enterkeyhint="search">
<button>Search</button>
</div>
<details${isDetailed && html` open`}>
<summary>Filters</summary>
<div class="fields">
<label class="wide">Labels, as Alertmanager matchers
<input class="mono" name="match" value="${match}" placeholder='{namespace="shop",severity!="info"}' autocomplete="off" autocapitalize="none" spellcheck="false"></label>
${select(
  'outcome',
  'Outcome',
  ENDS.map((end) => [end, end]),
  outcomes[0],
)}
<label>Operarius
<input name="operarius" list="operarii" value="${filter.operarii[0] ?? ''}" autocomplete="off" autocapitalize="none" spellcheck="false"></label>
<datalist id="operarii">${operarii.map((name) => html`<option value="${name}"></option>`)}</datalist>
${select(
  'fate',
  'Fate of the Job',
  FATE_FILTERS.map((fate) => [fate, FATE_WORDS[fate]]),
  fates[0],
)}
<label>From (UTC)
<input type="datetime-local" step="1" name="from" value="${fieldTime(from)}"></label>
<label>To (UTC)
<input type="datetime-local" step="1" name="to" value="${fieldTime(to)}"></label>
${lastField(filter)}
<label class="check"><input type="checkbox" name="all" value="1"${all && html` checked`}>With alerts that nobody wrote an operarius for</label>
<div class="actions wide"><button>Apply</button> <a class="button" href="${Address.own('/')}">Clear</a></div>
</div>
</details>
${only !== undefined && html`<input type="hidden" name="only" value="${only}">`}
</form>`;
}

const LAST = [
  ['1h', 'hour'],
  ['6h', '6 hours'],
  ['1d', '24 hours'],
  ['7d', '7 days'],
  ['30d', '30 days'],
] as const;

const HOUR = 3_600_000;
const LAST_BY_MS = new Map([
  [HOUR, '1h'],
  [6 * HOUR, '6h'],
  [24 * HOUR, '1d'],
  [7 * 24 * HOUR, '7d'],
  [30 * 24 * HOUR, '30d'],
]);

/** Also a time that only a URL can name is kept when the form is sent. */
function lastField(filter: Filter): Html {
  const { last } = filter;
  const written = writeFilter({ filter, after: undefined }).get('last') ?? '';
  const chosen = last === undefined ? undefined : (LAST_BY_MS.get(last) ?? written);
  const isListed = chosen === undefined || LAST.some(([value]) => value === chosen);
  return select('last', 'Or the last', isListed ? LAST : [...LAST, [chosen, chosen]], chosen);
}

/** Whether the fields below the search field are as they were. */
function isPlain({ match, outcomes, operarii, fates, from, to, last }: Filter): boolean {
  const lists = [outcomes, operarii, fates];
  return (
    match === '' && lists.every(({ length }) => length === 0) && (from ?? to ?? last) === undefined
  );
}

function select(
  name: string,
  label: string,
  options: readonly (readonly [value: string, word: string])[],
  chosen: string | undefined,
): Html {
  return html`<label>${label}
<select name="${name}"><option value="">any</option>${options.map(
    ([value, word]) =>
      html`<option value="${value}"${value === chosen && html` selected`}>${word}</option>`,
  )}</select></label>`;
}

/** As a field for date and time has it: UTC, to the second. */
const fieldTime = (ms: number | undefined): string =>
  ms === undefined ? '' : new Date(ms).toISOString().slice(0, 19);

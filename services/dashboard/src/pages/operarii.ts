import { grouped } from './filters.ts';
import { Address, type Html, html, segment } from './html.ts';
import type { Page } from './layout.ts';
import { storyOf } from './occurrence-row.ts';
import { helped, modeOf, stale, success, validityOf } from './operarius-signs.ts';
import type { KnownOperarius } from './published.ts';
import { NO_RUNS, type Runs } from './runs.ts';
import { sign } from './shapes.ts';
import { stoppedSign } from './stopped.ts';
import { ago } from './times.ts';
export interface OperariiParts {
  readonly known: ReadonlyMap<string, KnownOperarius>;
  readonly runs: ReadonlyMap<string, Runs>;
  readonly now: number;
}

/** All operarii: valid or why not, and what they did. */
export function operariiPage({ known, runs, now }: OperariiParts): Page {
  const names = [...new Set([...known.keys(), ...runs.keys()])].sort();
  const count = (is: (each: KnownOperarius) => boolean): number =>
    [...known.values()].filter(is).length;
  const broken = count(({ problem }) => problem !== undefined);
  const stopped = count((each) => each.stopped !== undefined);
  const bad = [
    broken > 0 && `${grouped(broken)} invalid`,
    stopped > 0 && `${grouped(stopped)} stopped`,
  ].filter((words) => words !== false);
  return {
    title: `${bad.length > 0 ? bad.join(', ') : grouped(names.length)} operarii`,
    section: 'Operarii',
    main: html`<div class="head"><h1>Operarii</h1><p class="quiet">ConfigMaps that define a Job for an alert, and what they did</p></div>
${names.length === 0 ? NONE : table(names, { known, runs, now })}`,
  };
}

const NONE = html`<div class="empty"><h2>No operarius is known</h2>
<p>No worker has published one. Is a worker running, and is there a ConfigMap with the label app: openfero in its namespace?</p></div>`;

const HEADS = [
  'Operarius',
  'Definition',
  'Mode',
  'Last run',
  'Last hour',
  'Last day',
  'Last ten Jobs',
  'Helped, 7 days',
  'Held',
];

function table(names: readonly string[], { known, runs, now }: OperariiParts): Html {
  return html`<table class="operarii">
<caption>${grouped(names.length)} by name</caption>
<thead><tr>${HEADS.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${names.map((name) => operariusRow(name, known.get(name), runs.get(name) ?? NO_RUNS, now))}</tbody>
</table>`;
}

function operariusRow(
  name: string,
  known: KnownOperarius | undefined,
  runs: Runs,
  now: number,
): Html {
  const validity = validityOf(known);
  const stopped = known?.stopped;
  const isBad = stopped !== undefined || validity.tone === 'bad' || runs.fates[0] === 'failed';
  return html`<tr${isBad && html` class="bad"`}>
<th scope="row"><a class="name mono" href="${Address.own(`/operarii/${segment(name)}`)}">${name}</a></th>
<td data-of="Definition"><div>${stopped && stoppedSign(stopped, now)}${sign(validity)}${known?.problem !== undefined && html`<span class="small clamp" dir="auto">${known.problem}</span>`}${stale(known, now)}</div></td>
<td data-of="Mode"><div>${modeOf(known)}</div></td>
<td data-of="Last run"><div>${lastRun(runs, now)}</div></td>
<td data-of="Last hour"><div>${grouped(runs.lastHour)}</div></td>
<td data-of="Last day"><div>${grouped(runs.lastDay)}</div></td>
<td data-of="Last ten Jobs"><div>${success(runs.fates)}</div></td>
<td data-of="Helped, 7 days"><div>${helped(runs)}</div></td>
<td data-of="Held"><div>${runs.held.length === 0 ? '0' : sign({ word: grouped(runs.held.length), shape: 'pause', tone: 'wait' })}</div></td>
</tr>`;
}

function lastRun({ last }: Runs, now: number): Html {
  if (last === undefined) return html`<span class="quiet">never</span>`;
  return html`<a class="name plain" href="${storyOf(last.row)}">${ago(last.at, now)}</a>`;
}

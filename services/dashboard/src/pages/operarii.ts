import type { Fate } from '@openfero/core/history/entry';
import { NO_FILTER } from '@openfero/core/history/filter';
import type { StopChange } from '@openfero/core/history/fold';
import type { Row } from '@openfero/core/history/row';
import type { HeldReason } from '@openfero/core/outcome';
import { grouped, listOf } from './filters.ts';
import type { HeldPlace, HeldPlaces } from './held-places.ts';
import { Address, type Html, html, segment } from './html.ts';
import type { Page } from './layout.ts';
import { headOf, type LiveOf, occurrenceRow, storyOf } from './occurrence-row.ts';
import type { KnownOperarius } from './published.ts';
import { NO_RUNS, type Runs } from './runs.ts';
import { type Sign, sign } from './shapes.ts';
import { whyOf } from './signs.ts';
import { type StoppedParts, stoppedSection, stoppedSign, stopsSection } from './stopped.ts';
import { ago, clock } from './times.ts';

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

function validityOf(known: KnownOperarius | undefined): Sign {
  if (known === undefined) return { word: 'unknown', shape: 'query', tone: 'quiet' };
  if (known.problem !== undefined) return { word: 'invalid', shape: 'alarm', tone: 'bad' };
  const warnings = known.published?.warnings.length ?? 0;
  if (warnings > 0) {
    return {
      word: `valid, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`,
      shape: 'check',
      tone: 'good',
    };
  }
  return { word: 'valid', shape: 'check', tone: 'good' };
}

function stale(known: KnownOperarius | undefined, now: number): Html | undefined {
  if (!known?.isStale || known.published === undefined) return undefined;
  return html`<span class="small">stale: said ${ago(known.published.at, now)}, and by no worker since</span>`;
}

function modeOf(known: KnownOperarius | undefined): Html {
  const mode = known?.published?.mode;
  if (mode === undefined) return html`<span class="unknown">unknown</span>`;
  if (mode === 'run') return html`run`;
  return sign({ word: mode, shape: mode === 'off' ? 'slash' : 'pause', tone: 'wait' });
}

function lastRun({ last }: Runs, now: number): Html {
  if (last === undefined) return html`<span class="quiet">never</span>`;
  return html`<a class="name plain" href="${storyOf(last.row)}">${ago(last.at, now)}</a>`;
}

const FATES: Readonly<Record<Fate, Sign>> = {
  succeeded: { word: '', shape: 'check', tone: 'good' },
  failed: { word: '', shape: 'cross', tone: 'bad' },
  deleted: { word: '', shape: 'slash', tone: 'wait' },
  denied: { word: '', shape: 'slash', tone: 'wait' },
  lapsed: { word: '', shape: 'slash', tone: 'wait' },
  withdrawn: { word: '', shape: 'slash', tone: 'quiet' },
};

/** `8 of 10 succeeded`, and the order in which they did, newest first. */
function success(fates: readonly Fate[]): Html {
  if (fates.length === 0) return html`<span class="quiet">none ended</span>`;
  const good = fates.filter((fate) => fate === 'succeeded').length;
  return html`${good} of ${fates.length} succeeded<span class="strip" aria-hidden="true">${fates.map((fate) => sign(FATES[fate]))}</span>`;
}

/** How many Jobs helped of those of which that is known. */
function helped({ effects: { resolved, firing, unknown } }: Runs): Html {
  const judged = resolved + firing;
  if (judged + unknown === 0) return html`<span class="quiet">none judged</span>`;
  return html`${resolved} of ${judged}${unknown > 0 && html`<span class="small">${unknown} unknown</span>`}`;
}

export interface OperariusParts {
  readonly name: string;
  /** Undefined where it is not stopped. */
  readonly stopped: StoppedParts | undefined;
  /** How it was stopped and re-armed, newest first. */
  readonly stops: readonly StopChange[];
  readonly known: KnownOperarius | undefined;
  readonly runs: Runs;
  /** Its own, and those of all operarii. */
  readonly places: HeldPlaces;
  readonly allPlaces: HeldPlaces;
  /** Its latest rows. */
  readonly rows: readonly Row[];
  readonly liveOf: LiveOf;
  readonly mayChange: boolean;
  readonly now: number;
}

/** One operarius. */
export function operariusPage(parts: OperariusParts): Page {
  const { name, known, stopped, stops, runs, rows, liveOf, mayChange, now } = parts;
  const validity = validityOf(known);
  const place = { filter: { ...NO_FILTER, operarii: [name] }, after: undefined };
  return {
    title: `${stopped === undefined ? validity.word : 'stopped'}: ${name}`,
    section: 'Operarii',
    main: html`<a class="back" href="${Address.own('/operarii')}">Operarii</a>
<div class="head"><h1 class="mono">${name}</h1></div>
<dl class="answers">
<div><dt>Definition</dt><dd>${sign(validity)}${stale(known, now)}</dd></div>
<div><dt>Mode</dt><dd>${modeOf(known)}</dd></div>
<div><dt>Jobs</dt><dd>${grouped(runs.lastHour)} in the last hour, ${grouped(runs.lastDay)} in the last day</dd></div>
<div><dt>Last ten Jobs</dt><dd>${success(runs.fates)}</dd></div>
<div><dt>Helped, last 7 days</dt><dd>${helped(runs)}</dd></div>
</dl>
${stopped && stoppedSection(stopped)}
${known?.problem !== undefined && html`<section class="apart"><h2>Why it cannot run</h2><pre tabindex="0" dir="auto">${known.problem}</pre></section>`}
${heldPart(parts)}
<div class="columns apart">
<div class="stack">${policyPart(known)}</div>
<div class="stack">${warningsPart(known)}${stopsSection(stops, now)}${sourcePart(known, now)}</div>
</div>
<section>${
      rows.length === 0
        ? html`<h2>Occurrences</h2><p class="quiet">None on record. <a href="${listOf(place)}">Look in another time</a></p>`
        : html`<table class="occurrences">${headOf(html`Latest occurrences. <a href="${listOf(place)}">Show all</a>`)}
<tbody>${rows.map((row) => occurrenceRow(row, { now, liveOf, mayChange, isShown: true }))}</tbody></table>`
    }</section>`,
  };
}

/** What is held and why, and the Jobs that hold the places. */
function heldPart({ runs, places, allPlaces, now }: OperariusParts): Html | undefined {
  const { held, unfinished } = runs;
  const byJob = new Map(unfinished.map((row) => [(row.firing ?? row.resolved)?.job?.name, row]));
  const isOfAll = held.some((row) => (row.firing ?? row.resolved)?.held?.reason === FOR_ALL);
  return html`${held.length > 0 && html`<section class="apart"><h2>Held: ${grouped(held.length)}</h2><ol class="line">${held.slice(0, SHOWN).map((row) => heldItem(row, now))}</ol></section>`}
${placesSection('Jobs that hold its places', places, byJob, now)}
${isOfAll && placesSection('Jobs of all operarii that hold the places', allPlaces, byJob, now)}`;
}

/** The limit over all operarii. */
const FOR_ALL = 'max-active-jobs' satisfies HeldReason;

function heldItem(row: Row, now: number): Html {
  const { held } = row.firing ?? row.resolved ?? {};
  const why = held === undefined ? '' : whyOf({ ...held, kind: 'held' }, now);
  return html`<li><span class="at">${clock(row.since, now)}</span><div><a href="${storyOf(row)}" dir="auto">${row.alertname}</a><span class="small said">${why}</span></div></li>`;
}

function placesSection(
  title: string,
  { count, oldest }: HeldPlaces,
  byJob: ReadonlyMap<string | undefined, Row>,
  now: number,
): Html | undefined {
  if (count === 0) return undefined;
  const item = ({ job, operarius, at }: HeldPlace): Html => {
    const row = byJob.get(job);
    const name = html`<span class="mono">${job}</span>`;
    return html`<li><span class="at">${ago(at, now)}</span><div>${row === undefined ? name : html`<a href="${storyOf(row)}">${name}</a>`}<span class="small said">${row === undefined ? `of ${operarius}` : row.alertname}</span></div></li>`;
  };
  return html`<section class="apart"><h2>${title}: ${grouped(count)}</h2><ol class="line">${oldest.map(item)}</ol>${count > oldest.length && html`<p class="quiet">The oldest ${oldest.length} are shown.</p>`}</section>`;
}

const SHOWN = 10;

function policyPart(known: KnownOperarius | undefined): Html {
  const policy = Object.entries(known?.published?.policy ?? {});
  if (policy.length === 0) {
    return html`<section><h2>Policy</h2><p class="quiet">${known?.problem === undefined ? 'No worker has published it.' : 'An invalid operarius has none.'}</p></section>`;
  }
  return html`<section><h2>Policy</h2><dl class="pairs">${policy.map(([name, value]) => html`<div><dt class="mono">${name}</dt><dd class="mono" dir="auto">${value || '–'}</dd></div>`)}</dl></section>`;
}

function warningsPart(known: KnownOperarius | undefined): Html | undefined {
  const warnings = known?.published?.warnings ?? [];
  if (warnings.length === 0) return undefined;
  return html`<section><h2>Warnings</h2><ul class="line">${warnings.map((text) => html`<li class="one" dir="auto">${text}</li>`)}</ul></section>`;
}

function sourcePart(known: KnownOperarius | undefined, now: number): Html | undefined {
  const published = known?.published;
  if (published === undefined) return undefined;
  const { namespace, jobNamespace, resourceVersion, publisher, at } = published;
  const facts: [string, Html | string][] = [
    ['Namespace', namespace],
    ['Jobs in', jobNamespace],
    ['Resource version', resourceVersion],
    ['Published', html`${ago(at, now)} by ${publisher}`],
  ];
  return html`<section><h2>ConfigMap</h2><dl class="pairs">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd dir="auto">${value}</dd></div>`)}</dl></section>`;
}

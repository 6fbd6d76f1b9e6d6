import type { DefinitionChange, StopChange } from '@openfero/core/history/changes';
import { NO_FILTER } from '@openfero/core/history/filter';
import type { Row } from '@openfero/core/history/row';
import type { HeldReason } from '@openfero/core/outcome';
import { definitionsSection } from './definitions.ts';
import { grouped, listOf } from './filters.ts';
import type { HeldPlace, HeldPlaces } from './held-places.ts';
import { Address, type Html, html } from './html.ts';
import type { Page } from './layout.ts';
import { headOf, type LiveOf, occurrenceRow, storyOf } from './occurrence-row.ts';
import { helped, modeOf, stale, success, validityOf } from './operarius-signs.ts';
import type { KnownOperarius } from './published.ts';
import type { Runs } from './runs.ts';
import { sign } from './shapes.ts';
import { whyOf } from './signs.ts';
import { type StoppedParts, stoppedSection, stopsSection } from './stopped.ts';
import { ago, clock } from './times.ts';
export interface OperariusParts {
  readonly name: string;
  /** Undefined where it is not stopped. */
  readonly stopped: StoppedParts | undefined;
  /** How it was stopped and re-armed, newest first. */
  readonly stops: readonly StopChange[];
  /** How its definition was changed, newest first. */
  readonly definitions: readonly DefinitionChange[];
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
  const { name, known, stopped, stops, definitions, runs, rows, liveOf, mayChange, now } = parts;
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
<div class="stack">${warningsPart(known)}${definitionsSection(definitions, now)}${stopsSection(stops, now)}${sourcePart(known, now)}</div>
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

import type { StopChange } from '@openfero/core/history/changes';
import type { Stopped } from '@openfero/core/redis/stopped';
import { Address, type Html, html, segment } from './html.ts';
import { storyOf } from './occurrence-row.ts';
import type { BadRun } from './runs.ts';
import { type Sign, sign } from './shapes.ts';
import { command } from './standing.ts';
import { ago, clock } from './times.ts';

/** That an operarius is stopped, in a list. */
export const stoppedSign = (stopped: Stopped, now: number): Html =>
  html`${sign({ word: 'stopped', shape: 'slash', tone: 'bad' })}<span class="small">${untilWords(stopped, now)}</span>`;

const untilWords = ({ until }: Stopped, now: number): Html =>
  until === 0 ? html`until a person re-arms it` : html`until ${clock(until, now)}`;

export interface StoppedParts {
  readonly name: string;
  readonly stopped: Stopped;
  readonly badRuns: readonly BadRun[];
  /** Of its ConfigMap, if anybody has published it. */
  readonly namespace: string | undefined;
  /** Why nothing can be changed here, undefined where it can. */
  readonly readOnly: string | undefined;
  readonly now: number;
}

/** Since when and why an operarius is stopped, and how to have it run again. */
export function stoppedSection(parts: StoppedParts): Html {
  const { name, stopped, badRuns, namespace, readOnly, now } = parts;
  const { row, at, definition } = stopped;
  const path = Address.own(`/operarii/${segment(name)}/rearm`);
  const kubectl = `kubectl ${namespace === undefined ? '' : `-n ${namespace} `}annotate configmap ${name} openfero.io/rearm="$(date -Is)" --overwrite`;
  return html`<section class="apart alarm bad"><h2>Stopped ${untilWords(stopped, now)}</h2>
<p>Since ${clock(at, now)}, ${ago(at, now)}: ${row} bad runs in a row of definition <span class="mono">${definition}</span>. Its alerts end as stopped, and get no Job.</p>
<ol class="line">${badRuns.map((run) => badItem(run, now))}</ol>
${badRuns.length < row && html`<p class="quiet">The history has ${badRuns.length} of them.</p>`}
${readOnly === undefined ? html`<form class="actions" method="post" action="${path}"><button class="primary">Re-arm it now</button></form>` : html`<p class="quiet">${readOnly}</p>`}
<p class="quiet">A change of its definition re-arms it too. Re-armed, its count of bad runs begins anew.</p>
${command(kubectl)}</section>`;
}

const FAILED: Sign = { word: 'Job failed', shape: 'cross', tone: 'bad' };
const FIRING: Sign = { word: 'did not help', shape: 'alarm', tone: 'bad' };

function badItem({ job, row, knownAt }: BadRun, now: number): Html {
  return html`<li><span class="at">${clock(job.fate?.endedAt ?? knownAt, now)}</span><div><a href="${storyOf(row)}" dir="auto">${row.alertname}</a> ${sign(job.fate?.fate === 'failed' ? FAILED : FIRING)}<span class="small mono">${job.name}</span></div></li>`;
}

const REARMED = {
  definition: 'its definition changed',
  deleted: 'its ConfigMap was deleted',
  time: 'the time was over',
  person: 'a person did it',
} as const;

/** How it was stopped and re-armed before; nothing where it never was. */
export function stopsSection(stops: readonly StopChange[], now: number): Html | undefined {
  if (stops.length === 0) return undefined;
  const item = (stop: StopChange): Html => {
    const words =
      stop.kind === 'stopped'
        ? html`${sign({ word: `Stopped after ${stop.row} bad runs in a row`, shape: 'slash', tone: 'bad' })}`
        : html`${sign({ word: 'Re-armed', shape: 'again', tone: 'quiet' })}<span class="small said" dir="auto">${stop.user === undefined ? REARMED[stop.how] : `by ${stop.user}`}</span>`;
    return html`<li><span class="at">${clock(stop.at, now)}</span><div>${words}</div></li>`;
  };
  return html`<section><h2>Stopped and re-armed</h2><ol class="line">${stops.slice(0, SHOWN).map(item)}</ol></section>`;
}

const SHOWN = 10;

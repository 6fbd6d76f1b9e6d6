import type { Mode } from '@openfero/core/operarius/policy';
import { Address, type Html, html } from './html.ts';
import { type Sign, sign } from './shapes.ts';
import { ago, clock, span } from './times.ts';

/** Whether OpenFero works at all: shown on every page. Undefined is what nobody has published. */
export interface Standing {
  readonly mode: Switch | undefined;
  /** How many workers are alive. */
  readonly workers: number;
  /** How many operarii are stopped. */
  readonly stopped: number;
  /** Milliseconds since 1970; undefined where none ever came. */
  readonly notificationAt: number | undefined;
  /** Milliseconds since the last word of the oldest watch of any worker. */
  readonly watchAge: number | undefined;
  /** How many Jobs wait for a person. */
  readonly questions: number;
  /** The namespaces of the operarii and of their Jobs. */
  readonly namespace: string | undefined;
  readonly jobNamespace: string | undefined;
}

export interface Switch {
  readonly mode: Mode;
  readonly source: string;
  /** Milliseconds since 1970; undefined where no change of it is on record. */
  readonly since: number | undefined;
}

/** Milliseconds. Above it the workers pause: they would decide by an old picture of the cluster. */
const WATCH_BOUND = 120_000;

/** One line: is it alive, or just quiet? Above it a loud one, where it does not run. */
export function standingBar(standing: Standing, now: number): Html {
  const { workers, notificationAt, watchAge } = standing;
  const facts: [name: string, value: Html, isBad: boolean][] = [
    ['Switch', switchFact(standing.mode, now), false],
    ['Workers alive', html`${workers}`, workers === 0],
    [
      'Last notification',
      notificationAt === undefined ? html`none yet` : ago(notificationAt, now),
      false,
    ],
    ['Watch age', known(watchAge, (age) => html`${span(age)}`), (watchAge ?? 0) > WATCH_BOUND],
  ];
  const { stopped } = standing;
  if (stopped > 0) {
    const link = html`<a href="${Address.own('/operarii')}">${stopped}</a>`;
    facts.push([stopped === 1 ? 'Stopped operarius' : 'Stopped operarii', link, true]);
  }
  return html`<div id="standing">${alarm(standing, now)}<dl class="standing">${facts.map(
    ([name, value, isBad]) =>
      html`<div${isBad && html` class="bad"`}><dt>${name}</dt><dd>${value}</dd></div>`,
  )}</dl></div>`;
}

function known<T>(value: T | undefined, show: (value: T) => Html): Html {
  return value === undefined ? html`<span class="unknown">unknown</span>` : show(value);
}

const MODES: Readonly<Record<Mode, Sign>> = {
  run: { word: 'run', shape: 'check', tone: 'good' },
  approve: { word: 'approve', shape: 'pause', tone: 'wait' },
  'dry-run': { word: 'dry-run', shape: 'pause', tone: 'wait' },
  off: { word: 'off', shape: 'cross', tone: 'bad' },
};

const switchFact = (position: Switch | undefined, now: number): Html =>
  known(
    position,
    ({ mode, since }) =>
      html`${sign(MODES[mode])}${since !== undefined && html` <span class="quiet">since ${clock(since, now)}</span>`}`,
  );

const STOPPED: Readonly<Record<Exclude<Mode, 'run'>, string>> = {
  off: 'OpenFero is switched off: no alert gets a Job.',
  approve:
    'Each Job waits for a person: it is created suspended, and runs when someone approves it.',
  'dry-run': 'OpenFero is in dry-run: alerts are checked, and no Job is created.',
};

function alarm({ mode, workers, namespace }: Standing, now: number): Html | undefined {
  if (mode !== undefined && mode.mode !== 'run') {
    const { since, source } = mode;
    const on = `kubectl -n ${namespace ?? 'openfero-jobs'} annotate configmap openfero openfero.io/mode=run --overwrite`;
    return html`<div class="alarm ${MODES[mode.mode].tone}">
<p><strong>${STOPPED[mode.mode]}</strong> Set by <span dir="auto">${source}</span>${since !== undefined && html`, ${ago(since, now)}`}.${isConfigMap(source) && ' To switch it on:'}</p>
${isConfigMap(source) && command(on)}</div>`;
  }
  if (workers === 0) {
    return html`<div class="alarm bad"><p><strong>No worker is alive.</strong> Alerts wait in the queue, and end as expired after their max-age. See the log of the workers.</p></div>`;
  }
  return undefined;
}

/** Else a setting of the workers switches it too, or alone: see readPosition. */
const isConfigMap = (source: string): boolean => source.startsWith('ConfigMap openfero');

/** A line to copy. The script shows the button: without it there is only the line. */
export const command = (line: string): Html =>
  html`<div class="command"><code>${line}</code><button type="button" data-copy hidden>Copy</button></div>`;

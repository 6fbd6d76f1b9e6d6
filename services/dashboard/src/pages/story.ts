import type { Entry } from '@openfero/core/history/entry';
import type { ModeChange } from '@openfero/core/history/fold';
import type { Handled, Row } from '@openfero/core/history/row';
import { helpedOf, jobStateOf } from '@openfero/core/history/state';
import { FAILURES } from '@openfero/core/outcome';
import { NO_ALERT } from '../rerun.ts';
import { type AskedNow, answerPart } from './approvals.ts';
import { Address, type Html, html, segment } from './html.ts';
import { jobUrl } from './job-url.ts';
import type { Page } from './layout.ts';
import {
  helpedSign,
  type LiveOf,
  operariusLink,
  severityOf,
  type Told,
  toldOf,
} from './occurrence-row.ts';
import type { Payload } from './payload.ts';
import { isNotNeeded, NOT_NEEDED, RERUN_WORDS, rerunForm } from './rerun.ts';
import { type Sign, sign } from './shapes.ts';
import { signOf, tookOf, whyOf } from './signs.ts';
import { command } from './standing.ts';
import { stepsOf, timeline } from './timeline.ts';
import { ago, clock, relative } from './times.ts';

export interface StoryParts {
  readonly row: Row;
  readonly entries: readonly Entry[];
  readonly modes: readonly ModeChange[];
  /** What BullMQ still has of its remediations, by their ids. */
  readonly payloads: ReadonlyMap<string, Payload>;
  readonly liveOf: LiveOf;
  /** Of the Jobs, if anybody has published it. */
  readonly jobNamespace: string | undefined;
  /** OPENFERO_JOB_URL. */
  readonly jobUrl: string | undefined;
  /** Why nothing can be changed here, undefined where it can. */
  readonly readOnly: string | undefined;
  /** The remediation by which its Job is run again; undefined where the entry of its end is gone. */
  readonly rerun: string | undefined;
  /** Its Job waits for a person. */
  readonly asked: AskedNow | undefined;
  /** Why nobody can answer that here; undefined where they can. */
  readonly whyNoApproval: string | undefined;
  readonly events: Address;
  readonly now: number;
}

/** What became of one occurrence, and whether it helped. */
export function storyPage(parts: StoryParts): Page {
  const { row, entries, modes, now, liveOf, payloads, events } = parts;
  const told = toldOf(row, liveOf, now);
  const name = row.alertname || 'Unreadable remediation';
  const [first] = told;
  const word = first === undefined ? '' : signOf(first.state).word;
  return {
    title: `${word}: ${name.slice(0, 80)}`,
    section: 'Occurrences',
    events,
    main: html`<a class="back" href="${Address.own('/')}">Occurrences</a>
<div class="head"><h1 dir="auto">${name}</h1> ${subtitle(row)}</div>
<p class="fresh"><button type="button" data-fresh hidden></button></p>
<p class="visually-hidden" role="status"></p>
${told.map((one) => answers(one, parts))}
<div class="columns">
<div class="stack">
<section><h2>What happened</h2>
${timeline(stepsOf(row, entries, modes), now)}</section>
${[...payloads.values()].map((payload) => details(payload))}
${warnings(row)}
</div>
<div class="stack">
${questionPart(parts)}
${told.map((one) => actions(one, parts))}
${told.map((one) => jobPart(one, parts))}
<section><h2>Labels</h2>${pairs(labelsOf(row, payloads))}</section>
${[...payloads.values()].slice(0, 1).map(annotations)}
${identity(row)}
</div>
</div>`,
  };
}

/** All labels where BullMQ still has them: the history has bounds. */
function labelsOf(
  row: Row,
  payloads: ReadonlyMap<string, Payload>,
): Readonly<Record<string, string>> {
  const [payload] = payloads.values();
  return payload?.remediation?.alert.labels ?? row.labels;
}

function subtitle({ labels }: Row): Html {
  const value = (name: string): string => (Object.hasOwn(labels, name) ? (labels[name] ?? '') : '');
  return html`<span class="labels">${value('severity') !== '' && severityOf(value('severity'))}<span dir="auto">${value('namespace')}</span></span>`;
}

/** The four questions of the person on call. */
function answers({ handled, state }: Told, { row, liveOf, now }: StoryParts): Html {
  const job = jobStateOf(handled, liveOf(handled.id), now);
  const took = job && tookOf(job);
  const isOfResolved = row.firing !== undefined && handled !== row.firing;
  const question = (title: string, answer: Html, more?: Html | string | false): Html =>
    html`<div><dt>${title}</dt><dd>${answer}${more && html`<span class="small" dir="auto">${more}</span>`}</dd></div>`;
  const why = state.kind.startsWith('job-') ? '' : whyOf(state, now);
  return html`<dl class="answers">
${question(isOfResolved ? 'Did it run when it resolved?' : 'Did it run?', sign(didRun({ handled, state })), handled.end !== undefined && html`${clock(handled.end.at, now)}, ${ago(handled.end.at, now)}`)}
${question('Why?', html`<span dir="auto">${why || ranWords(handled)}</span>`, operariusLink(handled.operarius) ?? 'no operarius')}
${question('Did the Job succeed?', job === undefined ? sign(NO_JOB) : sign(signOf(job)), job !== undefined && jobWords(took, whyOf(job, now)))}
${question('Has the alert resolved?', resolvedAnswer(row, now), helpedWords(row))}
</dl>`;
}

const NO_JOB: Sign = { word: 'There is no Job', shape: 'dash', tone: 'quiet' };

/** Yes and no, and not yet. */
function didRun({ handled, state }: Told): Sign {
  if (handled.end?.outcome === 'created' && state.kind.startsWith('job-'))
    return { word: 'Yes, a Job was created', shape: 'check', tone: 'quiet' };
  const shown = signOf(state);
  if (state.kind === 'ended' || state.kind === 'failed' || state.kind === 'removed')
    return { ...shown, word: `No: ${shown.word}` };
  return { ...shown, word: state.kind === 'no-word' ? 'Nobody knows' : `Not yet: ${shown.word}` };
}

const ranWords = ({ operarius }: Handled): string =>
  operarius === '' ? '' : 'an operarius is defined for this alert';

const jobWords = (took: string | undefined, why: string): string =>
  [took === undefined ? '' : `after ${took}`, why].filter((text) => text !== '').join('; ');

function resolvedAnswer({ heard }: Row, now: number): Html {
  if (heard === undefined) return sign({ word: 'No word', shape: 'query', tone: 'quiet' });
  return heard.status === 'resolved'
    ? sign({ word: `Yes, ${relative(heard.at, now)}`, shape: 'check', tone: 'good' })
    : sign({
        word: `No word: it fired ${relative(heard.at, now)}`,
        shape: 'query',
        tone: 'quiet',
      });
}

function helpedWords(row: Row): Html | undefined {
  const helped = helpedOf(row);
  if (helped === undefined) return undefined;
  if (helped.kind === 'no-word') return html`nothing was heard since the Job ended`;
  return html`${helpedSign(helped).word}${helped.kind === 'resolved' && helped.after !== undefined && helped.after >= 0 && ' the Job'}`;
}

/** Characters of a text: a label may have megabytes. */
const LONGEST = 16_384;
const MOST_PAIRS = 200;

function pairs(texts: Readonly<Record<string, string>>): Html {
  const all = Object.entries(texts);
  const shown = all.slice(0, MOST_PAIRS);
  return html`<dl class="pairs">${shown.map(
    ([name, value]) =>
      html`<div><dt dir="auto">${cut(name)}</dt><dd dir="auto">${cut(value)}</dd></div>`,
  )}${all.length > shown.length && html`<div><dt>and</dt><dd>${all.length - shown.length} more</dd></div>`}</dl>`;
}

const cut = (text: string): string =>
  text.length > LONGEST
    ? `${text.slice(0, LONGEST)}… (${text.length - LONGEST} more characters)`
    : text;

function annotations({ remediation }: Payload): Html | undefined {
  if (remediation === undefined) return undefined;
  const { annotations: texts, generatorURL } = remediation.alert;
  const link = (url: string, words: string): Html => {
    const address = Address.foreign(url);
    return address === undefined
      ? html`<div><dt>${words}</dt><dd dir="auto">${cut(url)}</dd></div>`
      : html`<div><dt>${words}</dt><dd><a href="${address}" rel="noreferrer">${cut(url)}</a></dd></div>`;
  };
  const urls: [string, string][] = [
    [generatorURL, 'Prometheus'],
    [remediation.group.externalURL, 'Alertmanager'],
    ...Object.entries(texts)
      .filter(([name]) => name === 'runbook_url' || name === 'dashboard_url')
      .map(([name, value]): [string, string] => [value, name]),
  ];
  const links = urls.filter(([url]) => url !== '').map(([url, words]) => link(url, words));
  const others = Object.fromEntries(
    Object.entries(texts).filter(([name]) => name !== 'runbook_url' && name !== 'dashboard_url'),
  );
  return html`${Object.keys(others).length > 0 && html`<section><h2>Annotations</h2>${pairs(others)}</section>`}
${links.length > 0 && html`<section><h2>Links</h2><dl class="pairs">${links}</dl></section>`}`;
}

/** What BullMQ has of one remediation: attempts, the last error, and the manifest of a dry run. */
function details({ id, attempts, failedReason, manifest }: Payload): Html | undefined {
  if (failedReason === '' && manifest === undefined) return undefined;
  return html`${failedReason !== '' && html`<section><h2>Last error</h2><p class="quiet">${attempts} ${attempts === 1 ? 'attempt' : 'attempts'} of remediation <span class="mono">${id}</span></p><pre tabindex="0" dir="auto">${cut(failedReason)}</pre></section>`}
${manifest !== undefined && html`<section><h2>The Job that would have been created</h2><pre tabindex="0" dir="auto">${cut(manifest)}</pre></section>`}`;
}

function warnings({ firing, resolved }: Row): Html | undefined {
  const all = [...(firing?.end?.warnings ?? []), ...(resolved?.end?.warnings ?? [])];
  if (all.length === 0) return undefined;
  return html`<section><h2>Warnings</h2><ul class="line">${all.map((text) => html`<li class="one" dir="auto">${text}</li>`)}</ul></section>`;
}

/** Where to look at the Job: its logs, and commands to copy. */
function jobPart(one: Told, parts: StoryParts): Html | undefined {
  const { handled, state } = one;
  const { job } = handled;
  if (job === undefined) return undefined;
  const namespace = parts.jobNamespace;
  const kubectl = `kubectl ${namespace === undefined ? '' : `-n ${namespace} `}`;
  const running = state.kind === 'job-running' || state.kind === 'job-created';
  return html`<section><h2>Job</h2>
<p class="mono">${job.name}</p>
${logsLink(handled, parts)}
${command(`${kubectl}describe job ${job.name}`)}
${command(`${kubectl}logs job/${job.name} --all-containers --tail=200`)}
${running && command(`${kubectl}delete job ${job.name}`)}
${namespace === undefined && html`<p class="quiet">Add the namespace of your Jobs with -n: no worker has published it.</p>`}</section>`;
}

/** Logs begin a little before the Job and end after it: clocks differ. */
const MARGIN = 60_000;

function logsLink({ job, end }: Handled, parts: StoryParts): Html | undefined {
  const { jobUrl: template, jobNamespace = '', now } = parts;
  if (template === undefined || job === undefined) return undefined;
  const from = (job.createdAt ?? end?.at ?? now) - MARGIN;
  const to = (job.fate?.endedAt ?? now) + MARGIN;
  const values = { namespace: jobNamespace, job: job.name, from: String(from), to: String(to) };
  const address = jobUrl(template, values);
  return (
    address &&
    html`<p class="actions"><a class="button" href="${address}" rel="noreferrer">Logs of the Job</a></p>`
  );
}

function questionPart({ asked, whyNoApproval, jobNamespace, now }: StoryParts): Html | undefined {
  if (asked === undefined) return undefined;
  const parts = { why: whyNoApproval, standing: { jobNamespace }, now };
  return html`<section><h2>It waits for a person</h2>${whyNoApproval !== undefined && html`<p class="quiet">${whyNoApproval}</p>`}${answerPart(asked, parts)}</section>`;
}

/** What a person can do about a failure. */
function actions({ handled, state }: Told, parts: StoryParts): Html | undefined {
  const failed = FAILURES.some((failure) => failure === handled.end?.outcome);
  const show = (title: string, content: Html): Html =>
    html`<section id="act"><h2>${title}</h2>${content}</section>`;
  if (state.kind === 'failed' && failed) {
    return show('Try again', parts.readOnly === undefined ? retryForms(handled) : why(parts));
  }
  if (state.kind !== 'job-failed' || handled.end?.outcome !== 'created') return undefined;
  return show('Run it again', rerunPart(handled, parts));
}

const why = ({ readOnly }: StoryParts): Html => html`<p class="quiet">${readOnly}</p>`;

function retryForms({ id }: Handled): Html {
  const path = (act: string): Address => Address.own(`/remediations/${segment(id)}/${act}`);
  return html`<div class="actions"><form method="post" action="${path('retry')}"><button class="primary">Retry this remediation</button></form>
<form method="post" action="${path('remove')}"><button>Remove it</button></form></div>
<p class="quiet">Retried, its max-age counts from now, and it runs unless the alert has resolved. Removed, nobody can retry it; what became of it stays on record.</p>`;
}

function rerunPart(handled: Handled, parts: StoryParts): Html {
  const { row, rerun, payloads, now } = parts;
  if (handled.act?.act === 'rerun') {
    const { user, at } = handled.act;
    const words = html`By ${user}, ${ago(at, now)}`;
    return rerun === undefined
      ? html`<p>${words}</p>`
      : html`<p>${words}: <a href="${Address.own(`/remediations/${segment(rerun)}`)}">what became of it</a></p>`;
  }
  if (parts.readOnly !== undefined) return why(parts);
  if (payloads.get(handled.id)?.remediation === undefined || rerun === undefined) {
    return html`<p class="quiet">It cannot be: ${NO_ALERT}.</p>`;
  }
  if (isNotNeeded(row, handled))
    return html`<p class="quiet">${NOT_NEEDED}</p>${rerunForm(handled.id)}`;
  return html`${rerunForm(handled.id)}<p class="quiet">${RERUN_WORDS}</p>`;
}

function identity(row: Row): Html {
  const { fingerprint, startsAt, groupKey, firing, resolved } = row;
  const ids = [firing, resolved].filter((each) => each !== undefined);
  const facts: [string, Html | string][] = [
    ['Fingerprint', fingerprint],
    ['Starts at', startsAt],
    ['Group', groupKey],
    ...ids.map(({ id }): [string, Html] => [
      'Remediation',
      html`<a class="mono" href="${Address.own(`/queue/queue/remediations/${segment(id)}`)}">${id}</a>`,
    ]),
  ];
  return html`<section><h2>Identity</h2><dl class="pairs">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd class="mono" dir="auto">${value}</dd></div>`)}</dl></section>`;
}

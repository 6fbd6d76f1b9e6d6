import type { Question, Wish } from '@openfero/core/redis/approvals';
import { Address, type Html, html, segment } from './html.ts';
import type { Page } from './layout.ts';
import { sign } from './shapes.ts';
import { command, type Standing } from './standing.ts';
import { ago, relative, utc } from './times.ts';

/** A question, and what somebody has decided that no worker has carried out yet. */
export interface AskedNow {
  readonly question: Question;
  readonly wish: Wish | undefined;
}

interface ApprovalsParts {
  /** Why nobody can answer here; undefined where they can. */
  readonly why: string | undefined;
  readonly standing: Pick<Standing, 'jobNamespace'>;
  readonly now: number;
}

/** All Jobs that wait for a person, with what is needed to decide. */
export function approvalsPage(asked: readonly AskedNow[], parts: ApprovalsParts): Page {
  const count = `${asked.length} ${asked.length === 1 ? 'Job waits' : 'Jobs wait'}`;
  return {
    title: `${count} for a person`,
    section: 'Approvals',
    main: html`<div class="head"><h1>${count} for a person</h1></div>
${asked.length === 0 && html`<div class="empty"><h2>Nobody is asked</h2><p>With the mode <code>approve</code>, a Job is created suspended and waits here until somebody approves or denies it.</p></div>`}
${asked.length > 0 && parts.why !== undefined && html`<p class="note">${parts.why}</p>`}
<div class="stack">${asked.map((one) => card(one, parts))}</div>`,
  };
}

function card({ question, wish }: AskedNow, parts: ApprovalsParts): Html {
  const { alertname, operarius, labels, checked, manifest, at, remediation } = question;
  const { now } = parts;
  const story = Address.own(`/remediations/${segment(remediation)}`);
  return html`<section><h2><a href="${story}" dir="auto">${alertname}</a></h2>
<p>${sign(WAITS)} ${ago(at, now)}, by operarius <a href="${Address.own(`/operarii/${segment(operarius)}`)}">${operarius}</a></p>
${answerPart({ question, wish }, parts)}
<dl class="pairs">${Object.entries(labels).map(([name, value]) => html`<div><dt dir="auto">${name}</dt><dd dir="auto">${value}</dd></div>`)}</dl>
<p class="quiet">Checked before it was created: ${checked.join('; ')}.</p>
<details><summary>The Job ${question.job}</summary><pre tabindex="0" dir="auto">${manifest}</pre></details>
</section>`;
}

const WAITS = { word: 'waits for a person', shape: 'pause', tone: 'wait' } as const;

/** The time left, the buttons, and the same with kubectl. */
export function answerPart(
  { question, wish }: AskedNow,
  { why, standing, now }: ApprovalsParts,
): Html {
  const { job, until, remediation } = question;
  const { jobNamespace: namespace } = standing;
  const kubectl = `kubectl ${namespace === undefined ? '' : `-n ${namespace} `}`;
  const path = (act: string): Address => Address.own(`/approvals/${segment(remediation)}/${act}`);
  return html`<p>${until > now ? `It lapses ${relative(until, now)}, at ${utc(until, now)}. Then it is deleted.` : 'Its time is over: a worker deletes it.'}</p>
${wish !== undefined && wishPart(wish, now)}
${
  why === undefined &&
  wish === undefined &&
  html`<div class="actions"><form method="post" action="${path('approve')}"><button class="primary">Approve ${job}</button></form>
<form method="post" action="${path('deny')}"><button>Deny ${job}</button></form></div>`
}
${command(`${kubectl}patch job ${job} --type=merge -p '{"spec":{"suspend":false}}'`)}
${command(`${kubectl}delete job ${job}`)}`;
}

function wishPart({ decision, by, at, obstacle }: Wish, now: number): Html {
  const who = by === '' ? '' : ` by ${by}`;
  return html`<p class="note${obstacle !== undefined && ' bad'}">${`${decision}${who}, `}${ago(at, now)}. ${obstacle === undefined ? 'A worker carries it out.' : html`In the way: <span dir="auto">${obstacle}</span>. It is tried again until its time is over.`}</p>`;
}

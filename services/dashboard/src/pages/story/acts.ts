import type { Handled } from '@openfero/core/history/row';
import { FAILURES } from '@openfero/core/outcome';
import { NO_ALERT } from '../../rerun.ts';
import { answerPart } from '../approvals.ts';
import { Address, type Html, html, segment } from '../html.ts';
import type { Told } from '../occurrence-row.ts';
import { isNotNeeded, NOT_NEEDED, RERUN_WORDS, rerunForm } from '../rerun.ts';
import { ago } from '../times.ts';
import type { StoryParts } from './parts.ts';

export function questionPart({
  asked,
  whyNoApproval,
  jobNamespace,
  now,
}: StoryParts): Html | undefined {
  if (asked === undefined) return undefined;
  const parts = { why: whyNoApproval, standing: { jobNamespace }, now };
  return html`<section><h2>It waits for a person</h2>${whyNoApproval !== undefined && html`<p class="quiet">${whyNoApproval}</p>`}${answerPart(asked, parts)}</section>`;
}

/** What a person can do about a failure. */
export function actions({ handled, state }: Told, parts: StoryParts): Html | undefined {
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

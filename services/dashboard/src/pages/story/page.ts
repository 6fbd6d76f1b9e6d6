import type { Row } from '@openfero/core/history/row';
import { Address, type Html, html } from '../html.ts';
import type { Page } from '../layout.ts';
import { severityOf, toldOf } from '../occurrence-row.ts';
import type { Payload } from '../payload.ts';
import { signOf } from '../signs.ts';
import { stepsOf, timeline } from '../timeline.ts';
import { actions, questionPart } from './acts.ts';
import { answers } from './answers.ts';
import { annotations, details, identity, pairs, warnings } from './facts.ts';
import { jobPart } from './job.ts';
import type { StoryParts } from './parts.ts';

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
${identity(parts)}
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

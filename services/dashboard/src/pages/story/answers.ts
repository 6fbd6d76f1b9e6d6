import type { Handled, Row } from '@openfero/core/history/row';
import { helpedOf, jobStateOf } from '@openfero/core/history/state';
import { type Html, html } from '../html.ts';
import { helpedSign, operariusLink, type Told } from '../occurrence-row.ts';
import { type Sign, sign } from '../shapes.ts';
import { signOf, tookOf, whyOf } from '../signs.ts';
import { ago, clock, relative } from '../times.ts';
import { decisionOf } from './decision.ts';
import type { StoryParts } from './parts.ts';

/** The four questions of the person on call, and of a Job that waited for a person one more. */
export function answers({ handled, state }: Told, { row, liveOf, now }: StoryParts): Html {
  const job = jobStateOf(handled, liveOf(handled.id), now);
  const took = job && tookOf(job);
  const isOfResolved = row.firing !== undefined && handled !== row.firing;
  const question = (title: string, answer: Html, more?: Html | string | false): Html =>
    html`<div><dt>${title}</dt><dd>${answer}${more && html`<span class="small" dir="auto">${more}</span>`}</dd></div>`;
  const decided = decisionOf(handled, now);
  const why = state.kind.startsWith('job-') ? '' : whyOf(state, now);
  return html`<dl class="answers">
${question(isOfResolved ? 'Did it run when it resolved?' : 'Did it run?', sign(didRun({ handled, state })), handled.end !== undefined && html`${clock(handled.end.at, now)}, ${ago(handled.end.at, now)}`)}
${question('Why?', html`<span dir="auto">${why || ranWords(handled)}</span>`, operariusLink(handled.operarius) ?? 'no operarius')}
${decided && question('Did a person approve it?', decided.answer, decided.more)}
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

function resolvedAnswer(row: Row, now: number): Html {
  const { heard } = row;
  const helped = helpedOf(row);
  if (helped?.kind === 'still-firing') {
    const word = `No, still firing ${relative(helped.at, now)}`;
    return sign({ word, shape: 'alarm', tone: 'bad' });
  }
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
  // That the alert still fires is the answer itself.
  if (helped === undefined || helped.kind === 'still-firing') return undefined;
  if (helped.kind === 'no-word') return html`nothing was heard since the Job ended`;
  return html`${helpedSign(helped).word}${helped.kind === 'resolved' && helped.after !== undefined && helped.after >= 0 && ' the Job'}`;
}

import type { Handled, JobAsked, JobDecided } from '@openfero/core/history/row';
import { type Html, html } from '../html.ts';
import { ASKED, byWhom, DECIDED } from '../question-signs.ts';
import { type Sign, sign } from '../shapes.ts';
import { ago, clock } from '../times.ts';

/** What a person was asked about the Job, and what they decided. */
export interface DecisionWords {
  readonly answer: Html;
  readonly more: Html;
}

/** Undefined where nobody was asked, as far as the history says. */
export function decisionOf({ job }: Handled, now: number): DecisionWords | undefined {
  const { asked, decided, fate } = job ?? {};
  if (asked === undefined && decided === undefined) return undefined;
  const open = fate === undefined ? ASKED : UNKNOWN;
  return {
    answer: sign(decided === undefined ? open : DECIDED[decided.decision]),
    more: html`${decided && decidedWords(decided, now)}${decided && asked && '; '}${asked && askedWords(asked, now)}`,
  };
}

/** The history was full when it was decided. */
const UNKNOWN: Sign = { word: 'No word', shape: 'query', tone: 'quiet' };

function decidedWords(decided: JobDecided, now: number): Html {
  const whom = byWhom(decided);
  return html`${whom !== '' && `${whom}, `}${clock(decided.at, now)}, ${ago(decided.at, now)}`;
}

const askedWords = ({ at, until }: JobAsked, now: number): Html =>
  html`asked ${clock(at, now)}, until ${clock(until, now)}`;

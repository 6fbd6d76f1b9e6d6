import { type Html, html } from './html.ts';

/** How loud a state is. The colours are in the style sheet. */
export type Tone = 'good' | 'bad' | 'wait' | 'busy' | 'quiet';

/** A state as people tell it apart: by its word, its shape and its colour. */
export interface Sign {
  readonly word: string;
  readonly shape: Shape;
  readonly tone: Tone;
}

/** Paths in a square of 16. What is good is round, what is bad has corners. */
const SHAPES = {
  check:
    'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1m3.6 5.4-4.2 4.6a.8.8 0 0 1-1.2 0L4.3 9l1.2-1.1 1.3 1.4L10.4 5.3z',
  cross:
    'M5 1h6l4 4v6l-4 4H5l-4-4V5zm.9 3.7L4.7 5.9 6.8 8l-2.1 2.1 1.2 1.2L8 9.2l2.1 2.1 1.2-1.2L9.2 8l2.1-2.1-1.2-1.2L8 6.8z',
  alarm: 'M8 1 16 15H0zM7.1 6v4.5h1.8V6zm0 5.7v1.7h1.8v-1.7z',
  pause: 'M3 2h3.6v12H3zm6.4 0H13v12H9.4z',
  ring: 'M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1m0 2a5 5 0 1 0 0 10A5 5 0 0 0 8 3',
  half: 'M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1m0 2v10A5 5 0 0 0 8 3',
  again:
    'M8 1.5A6.5 6.5 0 0 1 14 5.5V2h1.7v6.5H9.2V6.8h3.5A4.8 4.8 0 1 0 12.6 10h1.9A6.5 6.5 0 1 1 8 1.5',
  dash: 'M2 7h12v2H2z',
  query:
    'M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1m0 1.7a5.3 5.3 0 1 0 0 10.6A5.3 5.3 0 0 0 8 2.7M7.1 11h1.8v1.7H7.1zM8 3.8c1.6 0 2.7.9 2.7 2.3 0 1.9-1.9 2-1.9 3.9H7.2c0-2.5 1.8-2.7 1.8-3.8 0-.5-.4-.8-1-.8s-1 .4-1.1 1H5.2c.1-1.6 1.2-2.6 2.8-2.6',
  slash:
    'M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1m0 1.8a5.2 5.2 0 0 0-3.1 9.3l7.2-7.2A5.2 5.2 0 0 0 8 2.8m4.2 2.2-7.2 7.2A5.2 5.2 0 0 0 12.2 5',
} as const;

export type Shape = keyof typeof SHAPES;

const shape = (name: Shape): Html =>
  html`<svg class="shape" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><path fill-rule="evenodd" d="${SHAPES[name]}"/></svg>`;

export const sign = ({ word, shape: name, tone }: Sign): Html =>
  html`<span class="sign ${tone}">${shape(name)}<span>${word}</span></span>`;

import type { Fate } from '@openfero/core/history/entry';
import { type Html, html } from './html.ts';
import type { KnownOperarius } from './published.ts';
import type { Runs } from './runs.ts';
import { type Sign, sign } from './shapes.ts';
import { ago } from './times.ts';

export function validityOf(known: KnownOperarius | undefined): Sign {
  if (known === undefined) return { word: 'unknown', shape: 'query', tone: 'quiet' };
  if (known.problem !== undefined) return { word: 'invalid', shape: 'alarm', tone: 'bad' };
  const warnings = known.published?.warnings.length ?? 0;
  if (warnings > 0) {
    return {
      word: `valid, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`,
      shape: 'check',
      tone: 'good',
    };
  }
  return { word: 'valid', shape: 'check', tone: 'good' };
}

export function stale(known: KnownOperarius | undefined, now: number): Html | undefined {
  if (!known?.isStale || known.published === undefined) return undefined;
  return html`<span class="small">stale: said ${ago(known.published.at, now)}, and by no worker since</span>`;
}

export function modeOf(known: KnownOperarius | undefined): Html {
  const mode = known?.published?.mode;
  if (mode === undefined) return html`<span class="unknown">unknown</span>`;
  if (mode === 'run') return html`run`;
  return sign({ word: mode, shape: mode === 'off' ? 'slash' : 'pause', tone: 'wait' });
}

const FATES: Readonly<Record<Fate, Sign>> = {
  succeeded: { word: '', shape: 'check', tone: 'good' },
  failed: { word: '', shape: 'cross', tone: 'bad' },
  deleted: { word: '', shape: 'slash', tone: 'wait' },
  denied: { word: '', shape: 'slash', tone: 'wait' },
  lapsed: { word: '', shape: 'slash', tone: 'wait' },
  withdrawn: { word: '', shape: 'slash', tone: 'quiet' },
};

/** `8 of 10 succeeded`, and the order in which they did, newest first. */
export function success(fates: readonly Fate[]): Html {
  if (fates.length === 0) return html`<span class="quiet">none ended</span>`;
  const good = fates.filter((fate) => fate === 'succeeded').length;
  return html`${good} of ${fates.length} succeeded<span class="strip" aria-hidden="true">${fates.map((fate) => sign(FATES[fate]))}</span>`;
}

/** How many Jobs helped of those of which that is known. */
export function helped({ effects: { resolved, firing, unknown } }: Runs): Html {
  const judged = resolved + firing;
  if (judged + unknown === 0) return html`<span class="quiet">none judged</span>`;
  return html`${resolved} of ${judged}${unknown > 0 && html`<span class="small">${unknown} unknown</span>`}`;
}

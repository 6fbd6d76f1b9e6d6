import type { Row } from '@openfero/core/history/row';
import { grouped } from '../filters.ts';
import { Address, type Html, html, segment } from '../html.ts';
import type { Payload } from '../payload.ts';
import type { StoryParts } from './parts.ts';
import { versionWords } from './version.ts';

/** Characters of a text: a label may have megabytes. */
const LONGEST = 16_384;
/** Characters that are shown at once: a longer text would push all else off the page. */
const SHOWN_AT_ONCE = 600;
const MOST_PAIRS = 200;

export function pairs(texts: Readonly<Record<string, string>>): Html {
  const all = Object.entries(texts);
  const shown = all.slice(0, MOST_PAIRS);
  return html`<dl class="pairs">${shown.map(
    ([name, value]) =>
      html`<div><dt dir="auto">${cut(name)}</dt><dd dir="auto">${folded(value)}</dd></div>`,
  )}${all.length > shown.length && html`<div><dt>and</dt><dd>${all.length - shown.length} more</dd></div>`}</dl>`;
}

const cut = (text: string): string =>
  text.length > LONGEST
    ? `${text.slice(0, LONGEST)}… (${text.length - LONGEST} more characters)`
    : text;

/** The whole of a long text is one tap away, without a script too. */
function folded(text: string): Html | string {
  if (text.length <= SHOWN_AT_ONCE) return text;
  return html`${text.slice(0, SHOWN_AT_ONCE)}… <details><summary>All ${grouped(text.length)} characters</summary>${cut(text)}</details>`;
}

export function annotations({ remediation }: Payload): Html | undefined {
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
export function details({ id, attempts, failedReason, manifest }: Payload): Html | undefined {
  if (failedReason === '' && manifest === undefined) return undefined;
  return html`${failedReason !== '' && html`<section><h2>Last error</h2><p class="quiet">${attempts} ${attempts === 1 ? 'attempt' : 'attempts'} of remediation <span class="mono">${id}</span></p><pre tabindex="0" dir="auto">${cut(failedReason)}</pre></section>`}
${manifest !== undefined && html`<section><h2>The Job that would have been created</h2><pre tabindex="0" dir="auto">${cut(manifest)}</pre></section>`}`;
}

export function warnings({ firing, resolved }: Row): Html | undefined {
  const all = [...(firing?.end?.warnings ?? []), ...(resolved?.end?.warnings ?? [])];
  if (all.length === 0) return undefined;
  return html`<section><h2>Warnings</h2><ul class="line">${all.map((text) => html`<li class="one" dir="auto">${text}</li>`)}</ul></section>`;
}

export function identity(parts: Pick<StoryParts, 'row' | 'definitionsOf' | 'now'>): Html {
  const { row } = parts;
  const { fingerprint, startsAt, groupKey, firing, resolved } = row;
  const ids = [firing, resolved].filter((each) => each !== undefined);
  const facts: [string, Html | string][] = [
    ['Fingerprint', fingerprint],
    ['Starts at', startsAt],
    ['Group', groupKey],
    ...ids.flatMap((handled): [string, Html][] => {
      const words = versionWords(handled, parts);
      return words === undefined ? [] : [['Definition', words]];
    }),
    ...ids.map(({ id }): [string, Html] => [
      'Remediation',
      html`<a class="mono" href="${Address.own(`/queue/queue/remediations/${segment(id)}`)}">${id}</a>`,
    ]),
  ];
  return html`<section><h2>Identity</h2><dl class="pairs">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd class="mono" dir="auto">${value}</dd></div>`)}</dl></section>`;
}

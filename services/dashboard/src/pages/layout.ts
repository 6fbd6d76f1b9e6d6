import { Address, type Html, html } from './html.ts';
import { type Standing, standingBar } from './standing.ts';

/** What every page has around its own part. */
export interface Frame {
  readonly standing: Standing;
  /** Why nothing can be changed here, undefined where it can. */
  readonly readOnly: string | undefined;
  readonly assets: Assets;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Addresses with a digest of the content in them, so that browsers keep it. */
export interface Assets {
  readonly style: Address;
  readonly script: Address;
}

export interface Page {
  /** Begins with the count that matters. */
  readonly title: string;
  readonly section: Section | undefined;
  readonly main: Html;
  /** Where the page hears of changes. */
  readonly events?: Address;
}

const SECTIONS = {
  Occurrences: '/',
  Operarii: '/operarii',
  Approvals: '/approvals',
  Queue: '/queue',
} as const;
type Section = keyof typeof SECTIONS;

/** A whole document. */
export function document({ title, section, main, events }: Page, frame: Frame): string {
  const { standing, assets, now, readOnly } = frame;
  const links = Object.entries(SECTIONS).map(
    ([name, path]) =>
      html`<a href="${Address.own(path)}"${name === section && html` aria-current="page"`}>${name}${name === 'Approvals' && standing.questions > 0 && html` (${standing.questions})`}</a>`,
  );
  return `<!DOCTYPE html>
${html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · OpenFero</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath fill='%232f6fd0' d='M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1m0 3.2a3.8 3.8 0 1 0 0 7.6 3.8 3.8 0 0 0 0-7.6'/%3E%3C/svg%3E">
<link rel="stylesheet" href="${assets.style}">
<script src="${assets.script}" defer></script>
</head>
<body${events && html` data-events="${events}"`}>
<a class="skip" href="#main">Skip to content</a>
<header class="top">
<div class="brand"><a href="/">OpenFero</a></div>
<nav class="pages" aria-label="Pages">${links}</nav>
${standingBar(standing, now)}
</header>
<main id="main" tabindex="-1">
${main}
</main>
<footer class="foot">
<p>${readOnly ?? 'Failed remediations can be retried here, failed Jobs run again, and stopped operarii re-armed. Every act is logged with the user.'}</p>
<p>All times are UTC. <a href="/history.jsonl">History as JSON lines</a></p>
</footer>
</body>
</html>
`}`;
}

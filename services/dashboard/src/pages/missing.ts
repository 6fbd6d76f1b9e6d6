import { html } from './html.ts';
import type { Page } from './layout.ts';

/** Of an occurrence that is not known. */
export const missingPage = (): Page => ({
  title: 'Not found',
  section: 'Occurrences',
  main: html`<div class="empty"><h1>This occurrence is not known</h1>
<p>It is older than the history (OPENFERO_HISTORY_AGE, OPENFERO_HISTORY_COUNT), or Redis has lost it. The Job has the annotation openfero.io/remediation as long as it exists.</p>
<p><a href="/">Occurrences</a></p></div>`,
});

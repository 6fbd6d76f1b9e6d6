import type { Handled } from '@openfero/core/history/row';
import { type Html, html } from '../html.ts';
import { jobUrl } from '../job-url.ts';
import type { Told } from '../occurrence-row.ts';
import { command } from '../standing.ts';
import type { StoryParts } from './parts.ts';

/** Where to look at the Job: its logs, and commands to copy. */
export function jobPart(one: Told, parts: StoryParts): Html | undefined {
  const { handled, state } = one;
  const { job } = handled;
  if (job === undefined) return undefined;
  const namespace = parts.jobNamespace;
  const kubectl = `kubectl ${namespace === undefined ? '' : `-n ${namespace} `}`;
  const running = state.kind === 'job-running' || state.kind === 'job-created';
  return html`<section><h2>Job</h2>
<p class="mono">${job.name}</p>
${logsLink(handled, parts)}
${command(`${kubectl}describe job ${job.name}`)}
${command(`${kubectl}logs job/${job.name} --all-containers --tail=200`)}
${running && command(`${kubectl}delete job ${job.name}`)}
${namespace === undefined && html`<p class="quiet">Add the namespace of your Jobs with -n: no worker has published it.</p>`}</section>`;
}

/** Logs begin a little before the Job and end after it: clocks differ. */
const MARGIN = 60_000;

function logsLink({ job, end }: Handled, parts: StoryParts): Html | undefined {
  const { jobUrl: template, jobNamespace = '', now } = parts;
  if (template === undefined || job === undefined) return undefined;
  const from = (job.fate?.createdAt ?? end?.at ?? now) - MARGIN;
  const to = (job.fate?.endedAt ?? now) + MARGIN;
  const values = { namespace: jobNamespace, job: job.name, from: String(from), to: String(to) };
  const address = jobUrl(template, values);
  return (
    address &&
    html`<p class="actions"><a class="button" href="${address}" rel="noreferrer">Logs of the Job</a></p>`
  );
}

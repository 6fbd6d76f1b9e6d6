import type { ModeChange } from '@openfero/core/history/changes';
import type {
  DecidedEntry,
  EndEntry,
  Entry,
  FateEntry,
  HeldEntry,
} from '@openfero/core/history/entry';
import type { Row } from '@openfero/core/history/row';
import type { JobState } from '@openfero/core/history/state';
import { NEVER } from '@openfero/core/instant';
import type { Effect } from '@openfero/core/outcome';
import { isRerunId } from '@openfero/core/redis/remediation';
import { type Html, html } from './html.ts';
import { ASKED, byWhom, DECIDED } from './question-signs.ts';
import { type Sign, sign } from './shapes.ts';
import { signOf, signOfEnd, whyOf } from './signs.ts';
import { clock, relative, span, utc } from './times.ts';

/** Something that happened to an occurrence. */
export interface Step {
  /** Milliseconds since 1970; by whose clock the words say where it is not Redis'. */
  readonly at: number;
  readonly sign: Sign;
  /** More in words, under the sign. */
  readonly words: string;
}

/** Alertmanager repeats an alert for weeks: the first ones say how it began, the last ones how it is. */
const FIRST_STEPS = 20;
const LAST_STEPS = 40;

/** What happened to an occurrence, in the order of time. */
export function stepsOf(
  row: Row,
  entries: readonly Entry[],
  modes: readonly ModeChange[],
): readonly Step[] {
  const received = new Set<string>();
  const steps = [...began(row), ...entries.flatMap((entry) => stepsOfEntry(entry, received))];
  steps.sort((a, b) => a.at - b.at);
  const [start = 0, end = 0] = [steps[0]?.at, steps.at(-1)?.at];
  const switched = modes.filter(({ at }) => at > start && at < end).map(switchStep);
  return [...steps, ...switched].sort((a, b) => a.at - b.at);
}

function began({ startsAt }: Row): Step[] {
  if (startsAt === NEVER) return [];
  const words = 'by the clock of Prometheus';
  return [{ at: Date.parse(startsAt), sign: FIRES, words }];
}

const FIRES: Sign = { word: 'The alert began to fire', shape: 'alarm', tone: 'quiet' };

function stepsOfEntry(entry: Entry, received: Set<string>): readonly Step[] {
  switch (entry.kind) {
    case 'end':
      return endSteps(entry, received);
    case 'fate':
      return [fateStep(entry)];
    case 'held':
      return [heldStep(entry)];
    case 'act': {
      const { act, user, address, at } = entry;
      const word = {
        retry: 'Retried',
        remove: 'Removed',
        clean: 'Removed',
        rerun: 'Job run again',
        approve: 'Approved in the dashboard',
        deny: 'Denied in the dashboard',
        rearm: 'Re-armed',
      }[act];
      return [{ at, sign: quiet(`${word} by ${user}`, 'again'), words: `from ${address}` }];
    }
    case 'effect':
      return [{ at: entry.at, sign: EFFECT[entry.effect], words: entry.job }];
    case 'asked':
      return [
        { at: entry.at, sign: ASKED, words: `${entry.job}, until ${utc(entry.until, entry.at)}` },
      ];
    case 'decided':
      return [{ at: entry.at, sign: DECIDED[entry.decision], words: decidedWords(entry) }];
    // They are about all, or about an operarius.
    case 'mode':
    case 'stopped':
    case 'rearmed':
    case 'definition':
      return [];
  }
}

const EFFECT: Readonly<Record<Effect, Sign>> = {
  resolved: { word: 'The Job helped: the alert has gone', shape: 'check', tone: 'good' },
  firing: { word: 'The Job did not help: the alert still fires', shape: 'cross', tone: 'bad' },
  unknown: { word: 'Nobody knows whether the Job helped', shape: 'query', tone: 'quiet' },
};

const decidedWords = (entry: DecidedEntry): string =>
  [entry.job, byWhom(entry)].filter((text) => text !== '').join(', ');

const quiet = (word: string, shape: Sign['shape']): Sign => ({ word, shape, tone: 'quiet' });

function endSteps(entry: EndEntry, received: Set<string>): Step[] {
  const { id, status, receivedAt, endedAt, endsAt, startsAt } = entry;
  const steps: Step[] = [];
  if (status === 'resolved' && endsAt !== undefined && endsAt > startsAt) {
    const resolved: Sign = { word: 'The alert resolved', shape: 'check', tone: 'good' };
    steps.push({ at: Date.parse(endsAt), sign: resolved, words: 'by the clock of Prometheus' });
  }
  if (!received.has(id) && !isRerunId(id)) {
    received.add(id);
    steps.push({
      at: receivedAt,
      sign: quiet(`Received from Alertmanager: ${status}`, 'ring'),
      words: `as remediation ${id}`,
    });
  }
  return [...steps, { at: endedAt, ...endWords(entry) }];
}

function endWords({
  id,
  outcome,
  reason,
  job,
  operarius,
  receivedAt,
  endedAt,
}: EndEntry): Omit<Step, 'at'> {
  const took = endedAt - receivedAt;
  const after = isRerunId(id) ? 'for a person' : `${span(Math.max(0, took))} after it was received`;
  if (outcome === 'created') {
    const created: Sign = { word: 'Job created', shape: 'half', tone: 'busy' };
    return { sign: created, words: `${job ?? ''}, by ${operarius}, ${after}` };
  }
  return { sign: signOfEnd(outcome), words: job === undefined ? reason : `${reason}: ${job}` };
}

function fateStep({ fate, reason, job, createdAt, endedAt }: FateEntry): Step {
  const duration = Math.max(0, endedAt - createdAt);
  const state: JobState = { kind: `job-${fate}`, duration, reason };
  const why =
    fate === 'failed' ? `; ${whyOf({ kind: 'job-failed', duration, reason }, endedAt)}` : '';
  return { at: endedAt, sign: signOf(state), words: `${job}, after ${span(duration)}${why}` };
}

function heldStep({ reason, until, at }: HeldEntry): Step {
  const state = { kind: 'held', reason, until } as const;
  return { at, sign: signOf(state), words: whyOf(state, at) };
}

function switchStep({ from, to, source, at }: ModeChange): Step {
  const tone = to === 'run' ? 'quiet' : 'wait';
  return {
    at,
    sign: { word: `OpenFero switched from ${from} to ${to}`, shape: 'slash', tone },
    words: `by ${source}`,
  };
}

/** The steps as a list. */
export function timeline(steps: readonly Step[], now: number): Html {
  const first = steps.slice(0, FIRST_STEPS);
  const last = steps.slice(Math.max(FIRST_STEPS, steps.length - LAST_STEPS));
  const left = steps.length - first.length - last.length;
  const item = ({ at, sign: shown, words }: Step): Html =>
    html`<li><span class="at">${clock(at, now)}<span class="small">${relative(at, now)}</span></span>
<div>${sign(shown)}${words !== '' && html`<div class="said quiet" dir="auto">${words}</div>`}</div></li>`;
  return html`<ol class="line">${first.map(item)}${
    left > 0 && html`<li><span></span><span class="quiet">${left} more in between</span></li>`
  }${last.map(item)}</ol>`;
}

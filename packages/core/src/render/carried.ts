import type { Alert, Texts } from '../alert.ts';
import { JOB_BUDGET } from './budget.ts';
import { cutText, NAME_LIMIT, VALUE_LIMIT } from './spelling.ts';

/**
 * Shortens an alert to what a Job can carry, before it is stored: sixty alerts of 2.9 MB each took
 * more memory than a worker has. What a Job would leave out anyway is left out here, in the same
 * order: values over {@link VALUE_LIMIT} are cut at a character; beyond {@link JOB_BUDGET} the largest
 * annotations are left out, then the largest labels. The alertname always stays.
 *
 * Which alert it is does not change: its fingerprint was read, or computed from all of its labels.
 *
 * @returns the alert itself if it is small enough, as almost all are
 */
export function carriedPart(alert: Alert): Alert {
  if (isSmall(alert)) return alert;
  const generatorURL = cutText(alert.generatorURL, URL_LIMIT).text;
  const all = { labels: textsOf(alert.labels), annotations: textsOf(alert.annotations) };
  const excess = costOf(all.labels) + costOf(all.annotations) + generatorURL.length - JOB_BUDGET;
  const annotations = leaveOut(all.annotations, excess);
  const labels = leaveOut(all.labels, excess - costOf(annotations.out));
  const truncated = { labels: changedNames(labels), annotations: changedNames(annotations) };
  if (truncated.labels.length + truncated.annotations.length === 0) {
    return { ...alert, generatorURL };
  }
  return {
    ...{ ...alert, labels: asTexts(labels.kept), annotations: asTexts(annotations.kept) },
    ...{ generatorURL, truncated },
  };
}

/** Twice the limit of a value: rendering sees that it is too long, cuts it and says so in the Job. */
const URL_LIMIT = 2 * VALUE_LIMIT;

/** UTF-16 units in an alert that is under each limit however its text is written: six bytes for one. */
const SMALL = Math.floor(VALUE_LIMIT / 6);

/** Units are counted, not bytes: this runs for each alert. */
function isSmall({ labels, annotations, generatorURL }: Alert): boolean {
  return generatorURL.length + lengthOf(labels) + lengthOf(annotations) <= SMALL;
}

function lengthOf(texts: Texts): number {
  let length = 0;
  for (const name of Object.keys(texts)) length += AROUND + name.length;
  for (const value of Object.values(texts)) length += value.length;
  return length;
}

interface Text {
  readonly name: string;
  readonly value: string;
  readonly cut: boolean;
  /** Bytes in JSON. */
  readonly cost: number;
}

const AROUND = '"":"",'.length;

function textsOf(texts: Texts): readonly Text[] {
  return Object.entries(texts).map(([name, whole]) => {
    const { text: value, cut } = cutText(whole, VALUE_LIMIT);
    return { name, value, cut, cost: AROUND + jsonBytes(name) + jsonBytes(value) };
  });
}

function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}

function costOf(texts: readonly Text[]): number {
  return texts.reduce((sum, { cost }) => sum + cost, 0);
}

interface Sorted {
  readonly kept: readonly Text[];
  readonly out: readonly Text[];
}

/** @param excess bytes to get rid of, the largest texts first */
function leaveOut(texts: readonly Text[], excess: number): Sorted {
  let left = excess;
  const out = new Set<Text>();
  for (const text of excess > 0 ? texts.toSorted((a, b) => b.cost - a.cost) : []) {
    if (left <= 0) break;
    if (text.name === 'alertname') continue;
    left -= text.cost;
    out.add(text);
  }
  return { kept: texts.filter((text) => !out.has(text)), out: [...out] };
}

function asTexts(texts: readonly Text[]): Texts {
  return Object.fromEntries(texts.map(({ name, value }) => [name, value]));
}

/**
 * Characters of the names in `truncated`. The variable that lists them in a Job has 4 KiB: with more
 * names than fit here, it ends with `...`.
 */
const NAMES_LIMIT = 8 * 1024;

function changedNames({ kept, out }: Sorted): readonly string[] {
  const names: string[] = [];
  let left = NAMES_LIMIT;
  for (const { name } of [...kept.filter(({ cut }) => cut), ...out]) {
    const short = name.slice(0, NAME_LIMIT);
    left -= short.length;
    if (left < 0) break;
    names.push(short);
  }
  return names;
}

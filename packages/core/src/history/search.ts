import type { Row } from './row.ts';

/**
 * What words are looked for in: the values of the labels, the Jobs and the fingerprint, in lower case. It is
 * kept with the row: to gather it from ten objects all over the memory takes ten times as long.
 */
export function textOf({
  alertname,
  labels,
  fingerprint,
  firing,
  resolved,
}: Pick<Row, 'alertname' | 'labels' | 'fingerprint'> &
  Partial<Pick<Row, 'firing' | 'resolved'>>): string {
  const jobs = [firing, resolved].map((handled) => handled?.job?.name ?? '');
  const parts = new Set([alertname, fingerprint, ...jobs, ...Object.values(labels)]);
  // No word has a space in it: none is found over the end of a part.
  return [...parts].join(' ').toLowerCase();
}

/** Whether a row has each of the words of a search: in its text, or as the id of a remediation. */
export function createSearch(text: string): ((row: Row) => boolean) | undefined {
  const words = text.split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) return undefined;
  const searches = words.map((word) => ({ word, lower: word.toLowerCase() }));
  return (row) => searches.every(({ word, lower }) => row.text.includes(lower) || isId(row, word));
}

/** Only long words are compared with ids: they are not beside the row in the memory. */
const isId = ({ firing, resolved }: Row, word: string): boolean =>
  word.length >= SHORTEST_ID && (firing?.id === word || resolved?.id === word);

/** An id is a UUID of 36 characters; few words of an alert are as long as this. */
const SHORTEST_ID = 20;

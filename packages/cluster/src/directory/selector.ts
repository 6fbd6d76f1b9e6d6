import { InvalidSetting } from '@openfero/service/settings';

/** Whether a selector selects an object with these labels. */
export type Selects = (labels: Readonly<Record<string, unknown>>) => boolean;

const PRESENCE = /^\s*(!?)\s*([A-Za-z0-9./_-]+)\s*$/;
const EQUALITY = /^\s*([A-Za-z0-9./_-]+)\s*(==|=|!=)\s*([A-Za-z0-9._-]*)\s*$/;

/**
 * Parses OPENFERO_LABEL_SELECTOR for a cluster without an API server: `a=b`, `a!=b`, `a` and `!a`,
 * separated by commas, as in kubectl's `-l`. Sets (`in`, `notin`) need an API server.
 *
 * @throws {InvalidSetting} that names the part that cannot be parsed
 */
export function parseSelector(selector: string): Selects {
  const terms = selector.split(',').map(parseTerm);
  return (labels) => terms.every((selects) => selects(labels));
}

function parseTerm(term: string): Selects {
  const selects = parsePresence(term) ?? parseEquality(term);
  if (selects !== undefined) return selects;
  throw new InvalidSetting(
    'OPENFERO_LABEL_SELECTOR',
    `cannot parse ${JSON.stringify(term)}: with OPENFERO_CLUSTER=directory use a=b, a!=b, a or !a`,
  );
}

function parsePresence(term: string): Selects | undefined {
  const [, not, name] = PRESENCE.exec(term) ?? [];
  if (name === undefined) return undefined;
  return (labels) => Object.hasOwn(labels, name) === (not === '');
}

function parseEquality(term: string): Selects | undefined {
  const [, name, operator, value] = EQUALITY.exec(term) ?? [];
  if (name === undefined) return undefined;
  const isEqual: Selects = (labels) => Object.hasOwn(labels, name) && labels[name] === value;
  return operator === '!=' ? (labels) => !isEqual(labels) : isEqual;
}

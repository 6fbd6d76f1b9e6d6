import { InvalidSetting } from '@openfero/service/settings';

/** Whether labels carry a selector. */
export type Selects = (labels: Readonly<Record<string, unknown>>) => boolean;

const PRESENCE = /^\s*(!?)\s*([A-Za-z0-9./_-]+)\s*$/;
const EQUALITY = /^\s*([A-Za-z0-9./_-]+)\s*(==|=|!=)\s*([A-Za-z0-9._-]*)\s*$/;

/**
 * Reads OPENFERO_LABEL_SELECTOR for a cluster without an API server: `a=b`, `a!=b`, `a` and `!a`,
 * joined by commas, as kubectl's `-l` reads them. Sets (`in`, `notin`) are the API server's.
 *
 * @throws {InvalidSetting} naming the part that cannot be read
 */
export function parseSelector(selector: string): Selects {
  const terms = selector.split(',').map(parseTerm);
  return (labels) => terms.every((selects) => selects(labels));
}

function parseTerm(term: string): Selects {
  const selects = presence(term) ?? equality(term);
  if (selects !== undefined) return selects;
  throw new InvalidSetting(
    'OPENFERO_LABEL_SELECTOR',
    `cannot read ${JSON.stringify(term)}: with OPENFERO_CLUSTER=directory write a=b, a!=b, a or !a`,
  );
}

function presence(term: string): Selects | undefined {
  const [, not, name] = PRESENCE.exec(term) ?? [];
  if (name === undefined) return undefined;
  return (labels) => Object.hasOwn(labels, name) === (not === '');
}

function equality(term: string): Selects | undefined {
  const [, name, operator, value] = EQUALITY.exec(term) ?? [];
  if (name === undefined) return undefined;
  const equal: Selects = (labels) => Object.hasOwn(labels, name) && labels[name] === value;
  return operator === '!=' ? (labels) => !equal(labels) : equal;
}

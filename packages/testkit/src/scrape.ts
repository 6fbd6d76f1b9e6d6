/** What a service answers to Prometheus. */
export interface Scrape {
  readonly text: string;
  /** The names of all metrics, as # TYPE says. */
  readonly names: ReadonlySet<string>;
  /** The value of the series with exactly these labels; undefined where there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
}

/** Scrapes a service. @param url without a path */
export async function scrape(url: string): Promise<Scrape> {
  const response = await fetch(`${url}/metrics`);
  const text = await response.text();
  if (!response.ok) throw new Error(`/metrics answered ${response.status}: ${text}`);
  const series = new Map(
    [...text.matchAll(/^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$/gm)].map(
      ([, name = '', labels = '', value]) => [seriesOf(name, readLabels(labels)), Number(value)],
    ),
  );
  return {
    text,
    names: new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name)),
    value: (name, labels = {}) => series.get(seriesOf(name, labels)),
  };
}

/** No label of ours has a quotation mark in its value. */
const readLabels = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  );

/** Their order means nothing. */
const seriesOf = (name: string, labels: Readonly<Record<string, string>>): string =>
  JSON.stringify([name, ...Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);

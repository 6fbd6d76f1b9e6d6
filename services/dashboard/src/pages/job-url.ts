import { Address } from './html.ts';

/** What OPENFERO_JOB_URL may name. Times are milliseconds since 1970. */
const PLACES = ['namespace', 'job', 'from', 'to'] as const;
export type JobPlace = Readonly<Record<(typeof PLACES)[number], string>>;

/** Returns what is wrong with a template, undefined where it is right. */
export function jobUrlProblem(template: string): string | undefined {
  const unknown = [...template.matchAll(/\{([^{}]*)\}/g)]
    .map(([, name = '']) => name)
    .find((name) => !PLACES.some((place) => place === name));
  if (unknown !== undefined) {
    return `{${unknown}} is unknown: use ${PLACES.map((name) => `{${name}}`).join(', ')}`;
  }
  const example = fill(template, { namespace: 'x', job: 'x', from: '1', to: '1' });
  return Address.foreign(example) === undefined ? 'is not an http or https URL' : undefined;
}

/** The address of a Job's logs; each value is encoded. */
export const jobUrl = (template: string, values: JobPlace): Address | undefined =>
  Address.foreign(fill(template, values));

const fill = (template: string, values: JobPlace): string =>
  PLACES.reduce(
    (text, name) => text.replaceAll(`{${name}}`, () => encodeURIComponent(values[name])),
    template,
  );

import { parseArgs } from 'node:util';

export interface Options {
  readonly quick: boolean;
  /** Names of benchmarks; undefined is all of them. */
  readonly only: readonly string[] | undefined;
  /** Where the figures go as JSON. */
  readonly json: string | undefined;
  /** Whether table and chart go into docs/. */
  readonly docs: boolean;
  /** Another checkout to compare this one with: then nothing else is measured. */
  readonly against: string | undefined;
  /** A folder for CPU profiles: then these are taken and nothing else. */
  readonly profile: string | undefined;
}

export const USAGE = `npm run bench -- [options]

  --quick           within 10 minutes instead of an hour: fewer rounds, shorter ones
  --only A,B        only these: pipeline, latency, receive, worker, growth, flood, soak, start
  --json FILE       all figures of all rounds as JSON
  --docs            write the table into docs/performance.md and the chart beside it
  --against FOLDER  this checkout beside another one, in turns: what a change brings
  --profile FOLDER  CPU profiles of receiver and worker in the pipeline, and what they spend most on
`;

/** @returns undefined where help is asked for @throws naming what is wrong */
export function readOptions(
  args: readonly string[],
  known: readonly string[],
): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      json: { type: 'string' },
      docs: { type: 'boolean', default: false },
      against: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const only = values.only?.split(',');
  const wrong = only?.find((name) => !known.includes(name));
  if (wrong !== undefined) {
    throw new Error(`there is no benchmark ${wrong}: there are ${known.join(', ')}`);
  }
  const { quick, json, docs, against, profile } = values;
  return { quick, only, json, docs, against, profile };
}

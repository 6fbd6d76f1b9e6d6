import { parseArgs } from 'node:util';

export interface Options {
  readonly quick: boolean;
  /** Names of benchmarks; undefined for all. */
  readonly only: readonly string[] | undefined;
  /** File for the figures as JSON. */
  readonly json: string | undefined;
  /** Whether to write table and chart into docs/. */
  readonly docs: boolean;
  /** Another checkout to compare with; nothing else is measured then. */
  readonly against: string | undefined;
  /** Rounds of each benchmark; undefined for those of the plan. */
  readonly rounds: number | undefined;
  /** Folder for CPU profiles; nothing else is measured then. */
  readonly profile: string | undefined;
}

export const USAGE = `Usage: npm run bench -- [options]

Measures OpenFero on this machine and compares each figure with a limit.

  --quick           Take 10 minutes instead of an hour: fewer and shorter rounds
  --only A,B        Run only these benchmarks: pipeline, latency, receive, worker, growth, flood, soak, start
  --json FILE       Write the figures of all rounds as JSON
  --docs            Write the table to docs/performance.md and the chart to docs/performance.svg
  --against FOLDER  Compare this checkout with another one, in alternating rounds
  --rounds N        Rounds of each benchmark: rounds differ by 10 %, so a difference of 3 % needs a hundred
  --profile FOLDER  Write CPU profiles of receiver and worker, and print where they spend their time
  --help            Show this help
`;

/** @returns undefined if help is requested @throws naming what is wrong */
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
      rounds: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const only = values.only?.split(',');
  const wrong = only?.find((name) => !known.includes(name));
  if (wrong !== undefined) {
    throw new Error(`unknown benchmark ${wrong}: use one of ${known.join(', ')}`);
  }
  const { quick, json, docs, against, profile } = values;
  return { quick, only, json, docs, against, profile, rounds: roundsOf(values.rounds) };
}

function roundsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9][0-9]{0,3}$/.test(text)) return Number(text);
  throw new Error(`--rounds is "${text}": use a number from 1 to 9999`);
}

import { parseArgs } from 'node:util';
import { run } from './run.ts';
import { FAULTS } from './schedule.ts';
import { failures, tables } from './table.ts';

/** Average milliseconds from one fault to the next. */
const INTERVAL = 8000;

const USAGE = `Usage: npm run faults -- [options]

Runs OpenFero under load, injects faults, and checks that no alert is lost and none runs twice.
Prints the results as Markdown. The exit code is 1 if a check fails.

  --minutes N   Duration, 10 by default
  --seed N      Repeats the faults of an earlier run; random by default
  --only TEXT   Inject only faults whose name contains TEXT, such as 'worker killed'
  --help        Show this help
`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    only: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit();
}
const ms = Number(values.minutes) * 60_000;
const seed = Number(values.seed);
const kinds = FAULTS.filter(({ name }) => name.includes(values.only));
if (!(ms > 0) || !Number.isInteger(seed) || kinds.length === 0) {
  console.error(USAGE);
  process.exit(1);
}
const say = (text: string): void => console.error(`faults: ${text}`);
say(`seed ${seed}`);
const report = await run({ seed, kinds, ms, faults: Math.round(ms / INTERVAL), say });
console.log(tables(report));
const found = failures(report);
for (const one of found.slice(0, 50)) console.error(`FAILED: ${one}`);
if (found.length > 0) process.exitCode = 1;

import { parseArgs } from 'node:util';
import { run } from './run.ts';
import { KINDS } from './schedule.ts';
import { failures, tables } from './table.ts';

/** Milliseconds from one fault to the next, on average. */
const INTERVAL = 8000;

/** `npm run faults -- --minutes 10 --seed 1 [--only 'worker killed']`: ends with 1 where anything is wrong. */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    only: { type: 'string', default: '' },
  },
});
const ms = Number(values.minutes) * 60_000;
const seed = Number(values.seed);
const kinds = KINDS.filter(({ name }) => name.includes(values.only));
if (!(ms > 0) || !Number.isInteger(seed) || kinds.length === 0) {
  throw new Error('expected: --minutes <number> --seed <whole number> --only <part of a name>');
}
const say = (text: string): void => console.error(`faults: ${text}`);
say(`seed ${seed}`);
const report = await run({ seed, kinds, ms, faults: Math.round(ms / INTERVAL), say });
console.log(tables(report));
const found = failures(report);
for (const one of found.slice(0, 50)) console.error(`WRONG: ${one}`);
if (found.length > 0) process.exitCode = 1;

#!/usr/bin/env node
import { text } from 'node:stream/consumers';
import { run } from './program.ts';

// A reader such as `head` may close the pipe: then nobody wants the rest.
process.stdout.on('error', () => process.exit(process.exitCode ?? 0));

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  stdin: () => text(process.stdin),
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  isTerminal: process.stdout.isTTY === true,
  now: () => Date.now(),
});

import { setFlagsFromString } from 'node:v8';

/**
 * Has V8 keep less compiled code. As options of the process these would cost the compiled code
 * that Node.js brings along. All figures: docs/decisions/0015-memory-of-the-image.md.
 */
export function keepLessCode(): void {
  // undici parses HTTP with WebAssembly. To optimize that after about 20 responses takes 25 MB, of which malloc
  // keeps 12 MB, and saves less than 1 % of the CPU time of a worker. Needed before the first connection.
  setFlagsFromString('--no-wasm-tier-up');
  setFlagsFromString('--no-wasm-dynamic-tiering');
  // What ran at the start only is dropped at the second collection that finds it unused, not at the seventh.
  setFlagsFromString('--flush-baseline-code');
  setFlagsFromString('--bytecode-old-age=1');
}

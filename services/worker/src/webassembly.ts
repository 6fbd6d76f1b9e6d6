import { setFlagsFromString } from 'node:v8';

/**
 * undici parses HTTP with WebAssembly, which V8 optimizes after about 20 responses. That takes 25 MB, of which
 * malloc keeps 12 MB, and saves less than 1 % of the CPU time of a worker. Both flags are needed, before the
 * first connection. As options of the process they would cost the compiled code that Node.js brings along:
 * docs/decisions/0015-memory-of-the-image.md.
 */
export function neverOptimizeWebAssembly(): void {
  setFlagsFromString('--no-wasm-tier-up');
  setFlagsFromString('--no-wasm-dynamic-tiering');
}

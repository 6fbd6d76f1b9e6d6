import type { Benchmark } from '../benchmark.ts';
import { flood } from './flood.ts';
import { growth } from './growth.ts';
import { latency } from './latency.ts';
import { pipeline } from './pipeline.ts';
import { receive } from './receive.ts';
import { soak } from './soak.ts';
import { start } from './start.ts';
import { worker } from './worker.ts';

/** In the order in which they run: others need the peak of the pipeline. */
export const BENCHMARKS: readonly Benchmark[] = [
  ...[pipeline, latency, receive, worker, growth, flood, soak, start],
];

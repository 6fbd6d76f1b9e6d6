import { createRedisBackend, type RedisQueueBackend } from 'bullmq';
import type { RedisClock } from '../redis/clock.ts';

/**
 * Where the scripts of BullMQ take the time, counted over keys and arguments. They promote what was
 * delayed, and note when something ended, by the clock of whichever worker calls them: one that is an hour
 * ahead would delay a remediation of all for an hour, one that is days behind lose its outcomes at once.
 */
const TIME_ARGUMENT: Readonly<Record<string, number>> = {
  moveToActive: 12,
  moveToDelayed: 12,
  moveToFinished: 15,
};

/** Builds BullMQ's access to Redis with one change: at this border its times are Redis' own. */
export function backendBy(clock: RedisClock): typeof createRedisBackend {
  return (name, options, connections) => {
    const backend = createRedisBackend(name, options, connections);
    translateCalls(backend, clock);
    translateAnswers(backend, () => Date.now() - clock.now());
    return backend;
  };
}

function translateCalls(backend: RedisQueueBackend, clock: RedisClock): void {
  const execCommand = backend.execCommand.bind(backend);
  backend.execCommand = (client, command, args) => {
    const time = TIME_ARGUMENT[command];
    return execCommand(client, command, time === undefined ? args : args.with(time, clock.now()));
  };
  const moveToActive = backend.moveToActive.bind(backend);
  // The first call of a worker, and of each of its remediations.
  backend.moveToActive = async (...args) => {
    await clock.sync();
    return moveToActive(...args);
  };
}

/** What BullMQ compares with its own clock: when to look again, and when a lock was taken. */
function translateAnswers(backend: RedisQueueBackend, skew: () => number): void {
  const [active, finished, delayed, wait] = [
    backend.moveToActive.bind(backend),
    backend.moveToFinished.bind(backend),
    backend.moveToDelayed.bind(backend),
    backend.waitForJob.bind(backend),
  ];
  backend.moveToActive = async (...args) => nextJob(await active(...args), skew());
  backend.moveToFinished = async (...args) => nextJob(await finished(...args), skew());
  backend.moveToDelayed = async (...args) => {
    const next = await delayed(...args);
    return next && nextJob(next, skew());
  };
  backend.waitForJob = async (...args) => {
    const marker = await wait(...args);
    // Below that it is no time, but the sign that something waits.
    return marker && marker.score > 0 ? { ...marker, score: marker.score + skew() } : marker;
  };
}

/** [job, its id, milliseconds of a rate limit, when the next delayed one is due (0: none)] */
function nextJob([job, id, limit, due]: readonly unknown[], skew: number): unknown[] {
  return [inLocalTime(job, skew), id, limit, typeof due === 'number' && due > 0 ? due + skew : due];
}

function inLocalTime(job: unknown, skew: number): unknown {
  if (typeof job !== 'object' || job === null || !('processedOn' in job)) return job;
  const { processedOn } = job;
  return typeof processedOn === 'number' ? { ...job, processedOn: processedOn + skew } : job;
}

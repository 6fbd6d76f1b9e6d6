import { Gauge, type Registry } from 'prom-client';
import type { Logger } from './log.ts';
import type { RedisConnection } from './redis.ts';
import { connectionFailure } from './redis.ts';
import { refusalOf, wordsOf } from './redis-errors.ts';

/** What Redis says of how it keeps what it acknowledged. */
interface Durability {
  /** What loses acknowledged alerts. */
  readonly risks: readonly string[];
  /** What the user may not read. */
  readonly unknown: readonly string[];
}

/**
 * Logs one warning if Redis may lose what it acknowledged, or does not say so: as Redis is shipped, and
 * with the defaults of most charts, it loses alerts when it is killed.
 */
export async function warnOfDurability(redis: RedisConnection, log: Logger): Promise<void> {
  const durability = await readDurability(redis);
  if (durability === undefined) return;
  const { risks, unknown } = durability;
  if (risks.length > 0) {
    log.warn(`Redis can lose acknowledged alerts (${risks.join(', ')}): ${RIGHT}`);
  } else if (unknown.length > 0) {
    log.warn(
      `cannot check whether Redis can lose acknowledged alerts (${unknown.join(', ')}): ${RIGHT}, and allow the user INFO and CONFIG GET`,
    );
  }
}

const RIGHT = 'set appendonly yes, appendfsync always and maxmemory-policy noeviction';

/** Registers the gauge, which is read when it is scraped. It is left out while the answer is unknown. */
export function registerDurability(metrics: Registry, redis: RedisConnection): void {
  new Gauge({
    name: 'openfero_redis_durable',
    help: '1 if Redis keeps every acknowledged write (appendonly yes, appendfsync always, noeviction), 0 if it can lose some. Absent if it does not say so.',
    registers: [metrics],
    async collect() {
      this.remove();
      const durability = await readDurability(redis);
      if (durability === undefined) return;
      if (durability.risks.length > 0) this.set(0);
      else if (durability.unknown.length === 0) this.set(1);
    },
  });
}

/** Each with the only value that loses nothing. */
const SETTINGS = [
  { name: 'appendonly', field: 'aof_enabled', right: '1' },
  { name: 'maxmemory-policy', field: 'maxmemory_policy', right: 'noeviction' },
  { name: 'appendfsync', field: 'appendfsync', right: 'always' },
  // With yes, nothing is synced while the file is rewritten.
  { name: 'no-appendfsync-on-rewrite', field: 'no-appendfsync-on-rewrite', right: 'no' },
] as const;

/** @returns undefined if the connection is not open, or breaks */
async function readDurability(redis: RedisConnection): Promise<Durability | undefined> {
  // Before its client is ready, a command may wait for ever.
  if (connectionFailure(redis) !== undefined) return undefined;
  try {
    const answers = await Promise.all([
      ask('INFO', async () => fieldsOfInfo(await redis.info('persistence'))),
      ask('INFO', async () => fieldsOfInfo(await redis.info('memory'))),
      // A pattern, since several names need Redis 7.
      ask('CONFIG GET', async () => fieldsOfConfig(await redis.config('GET', '*appendfsync*'))),
    ]);
    const fields = new Map(answers.flatMap(({ known }) => known));
    return { risks: risksOf(fields), unknown: unknownOf(answers, fields) };
  } catch {
    return undefined;
  }
}

type Fields = ReadonlyMap<string, string>;

function risksOf(fields: Fields): string[] {
  return SETTINGS.flatMap(({ name, field, right }) => {
    const value = fields.get(field) ?? right;
    return value === right ? [] : [`${name} is ${value === '0' ? 'no' : value}`];
  });
}

/** What is refused explains what is missing. */
function unknownOf(answers: readonly Answer[], fields: Fields): string[] {
  const refused = new Set(answers.flatMap((answer) => answer.refused));
  if (refused.size > 0) return [...refused];
  const missing = SETTINGS.filter(({ field }) => !fields.has(field));
  return missing.map(({ name }) => `${name} is not reported`);
}

type Field = readonly [name: string, value: string];

interface Answer {
  readonly known: readonly Field[];
  readonly refused: readonly string[];
}

/** @throws errors other than a refusal */
async function ask(command: string, question: () => Promise<readonly Field[]>): Promise<Answer> {
  try {
    return { known: await question(), refused: [] };
  } catch (error) {
    if (refusalOf(error) === undefined) throw error;
    return { known: [], refused: [`${command} is refused: ${wordsOf(error)}`] };
  }
}

function fieldsOfInfo(text: string): Field[] {
  return [...text.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name = '', value = '']) => [name, value]);
}

/** Names and values in turn. */
function fieldsOfConfig(flat: readonly string[]): Field[] {
  return flat.flatMap((name, index): Field[] =>
    index % 2 === 0 ? [[name, flat[index + 1] ?? '']] : [],
  );
}

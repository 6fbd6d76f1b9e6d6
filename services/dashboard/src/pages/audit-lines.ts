import { Readable } from 'node:stream';
import { auditLine, KINDS } from '@openfero/core/history/audit-line';
import type { Entry } from '@openfero/core/history/entry';
import { type Filter, windowOf } from '@openfero/core/history/filter';
import type { Fold } from '@openfero/core/history/fold';
import { parseEntry } from '@openfero/core/history/parse';
import { createContentPredicate, isAboutAny } from '@openfero/core/history/predicate';
import { historyKey } from '@openfero/core/redis/history';
import type { RedisConnection } from '@openfero/service/redis';
import type { StreamEntry } from '../history/stream.ts';

/** Entries of one answer of Redis: a millisecond of its time, and 2 MB here at most. */
const CHUNK = 1_000;

interface AuditOptions {
  readonly redis: RedisConnection;
  readonly prefix: string;
  readonly fold: Fold;
  readonly filter: Filter;
  readonly kinds: ReadonlySet<string>;
  readonly now: number;
}

/** Reads which kinds of entries a URL asks for: none of them where it asks for occurrences. */
export function readKinds(query: URLSearchParams): {
  readonly kinds: ReadonlySet<string>;
  readonly problems: readonly string[];
} {
  const known: readonly string[] = KINDS;
  const asked = query.getAll('kind').flatMap((text) => text.split(','));
  const wrong = asked.find((kind) => kind !== 'all' && !known.includes(kind));
  const problems =
    wrong === undefined
      ? []
      : [`kind: ${JSON.stringify(wrong.slice(0, 100))} is not one of all, ${KINDS.join(', ')}`];
  return { kinds: new Set(asked.includes('all') ? known : asked), problems };
}

/** The entries of the history as JSON lines, oldest first. Each is read from Redis as it is written. */
export const auditLines = (options: AuditOptions): Readable => Readable.from(chunksOf(options));

async function* chunksOf(options: AuditOptions): AsyncGenerator<string> {
  const { redis, prefix, filter, now } = options;
  const passes = createEntryPredicate(options);
  const { from, to } = windowOf({ ...filter, last: filter.last ?? now }, now);
  const end = Number.isFinite(to) ? String(to) : '+';
  let start: string | undefined = String(Math.max(0, Math.ceil(from)));
  while (start !== undefined) {
    const found: readonly StreamEntry[] = await redis.xrange(
      historyKey(prefix),
      start,
      end,
      'COUNT',
      CHUNK,
    );
    // An empty text would end the stream.
    const lines = found.map(([id, fields]) => lineOf(id, parseEntry(fields), passes)).join('');
    if (lines !== '') yield lines;
    const [last] = found.at(-1) ?? [];
    start = found.length === CHUNK ? `(${last}` : undefined;
  }
}

function lineOf(id: string, entry: Entry | undefined, passes: (entry: Entry) => boolean): string {
  return entry !== undefined && passes(entry) ? `${JSON.stringify(auditLine(id, entry))}\n` : '';
}

/** Most kinds have no labels: an entry passes with its occurrence, or by the name of its operarius. */
function createEntryPredicate({ filter, fold, kinds }: AuditOptions): (entry: Entry) => boolean {
  if (isAboutAny(filter)) return ({ kind }) => kinds.has(kind);
  const passes = createContentPredicate(filter);
  const isOfOperarii = isAboutAny({ ...filter, operarii: [] });
  return (entry) => {
    if (!kinds.has(entry.kind)) return false;
    const row = 'id' in entry ? fold.rowOfRemediation(entry.id) : undefined;
    if (row !== undefined) return passes(row);
    return isOfOperarii && filter.operarii.includes(operariusOf(entry));
  };
}

function operariusOf(entry: Entry): string {
  if ('operarius' in entry) return entry.operarius;
  return entry.kind === 'act' && entry.act === 'rearm' ? entry.id : '';
}

import type { ServerResponse } from 'node:http';
import type { Fold } from '@openfero/core/history/fold';
import type { Row } from '@openfero/core/history/row';
import { compareIds, isStreamId, timeOfId } from '@openfero/core/history/stream-id';
import type { History } from '../history/history.ts';
import { lastOf, NOTHING } from './history.ts';
import { rowId } from './occurrence-row.ts';

/** What a page wants to hear of. */
export interface Interest {
  /** Makes the predicate of its rows, as it is now: made once for many rows, since it compiles. */
  readonly predicate: () => (row: Row) => boolean;
  /** The newest entry when the page was made. */
  readonly since: string;
  /** The newest entry that it knows by now. */
  readonly from: string;
  /** Whether rows that it does not have belong on it. */
  readonly wantsNew: boolean;
  /** Whether it shows of the queue what every page does: with a filter it shows something else. */
  readonly wantsQueue: boolean;
}

export interface EventsOptions {
  readonly history: History;
  /** Renders rows as the page has them, in HTML. */
  readonly renderRows: (rows: readonly ShownRow[]) => Promise<ReadonlyMap<Row, string>>;
  /** Parts of the pages that change without an entry. */
  readonly renderParts: () => Promise<Parts>;
}

export interface Parts {
  readonly standing: string;
  readonly queue: string;
}

export interface ShownRow {
  readonly row: Row;
  readonly isShown: boolean;
}

/** Clients at once. Each costs a socket and a few KiB; a team has some tens of open tabs. */
const MAX_CLIENTS = 200;
/** Milliseconds. Proxies close a connection that is silent for 30 to 60 s. */
const HEARTBEAT = 15_000;
/** Milliseconds: what changes within them is sent together, each row once. */
const FLUSH_INTERVAL = 250;
/** Rows of one flush and client, so that no client keeps the others waiting. */
const FLUSH_ROWS = 100;

/** Streams of server-sent events. */
export interface Events {
  readonly isFull: () => boolean;
  /** Takes over a response whose headers are set. */
  open(response: ServerResponse, interest: Interest): void;
  /** Ends all streams: a server that stops would wait for them. */
  close(): void;
}

interface Client extends Interest {
  readonly response: ServerResponse;
  /** Rows to be sent, in the order of their cursors. Only the newest of each occurrence. */
  readonly pending: Map<string, Row>;
  readonly parts: Map<keyof Parts, string>;
}

export function createEvents({ history, renderRows, renderParts }: EventsOptions): Events {
  const clients = new Set<Client>();
  const unsubscribe = history.subscribe((change) => {
    for (const client of clients) note(client, change.kind === 'rows' ? change.rows : undefined);
  });
  const flushing = repeat(FLUSH_INTERVAL, async () => {
    for (const client of clients) await flush(client, renderRows);
  });
  const beating = repeat(HEARTBEAT, async () => {
    if (clients.size === 0) return;
    const { standing, queue } = await renderParts();
    for (const client of clients) {
      client.response.write(': alive\n\n');
      sendPart(client, 'standing', standing);
      if (client.wantsQueue) sendPart(client, 'queue', queue);
    }
  });
  return {
    isFull: () => clients.size >= MAX_CLIENTS,
    open(response, interest) {
      const client: Client = { ...interest, response, pending: new Map(), parts: new Map() };
      clients.add(client);
      response.on('close', () => clients.delete(client));
      response.on('error', () => response.destroy());
      response.write('retry: 3000\n\n');
      note(client, missed(history.fold, interest.from));
    },
    close() {
      unsubscribe();
      flushing();
      beating();
      for (const { response } of clients) response.end();
    },
  };
}

/** What has changed since an entry, oldest first; undefined where that is not known. */
function missed(fold: Fold, since: string): readonly Row[] | undefined {
  if (compareIds(lastOf(fold), since) < 0) return undefined;
  const changed: Row[] = [];
  for (const row of fold.rows()) {
    if (compareIds(row.cursor, since) <= 0) break;
    changed.push(row);
  }
  return changed.reverse();
}

/** The newest entry of which a page knows: what it says itself, or the browser when it reconnects. */
export const sinceOf = (...said: readonly unknown[]): string =>
  said.find((id) => typeof id === 'string' && isStreamId(id))?.toString() ?? NOTHING;

function note(client: Client, changed: readonly Row[] | undefined): void {
  if (changed === undefined) {
    send(client, 'changed', '1');
    return;
  }
  for (const row of changed) {
    const id = rowId(row);
    client.pending.delete(id);
    client.pending.set(id, row);
  }
}

async function flush(client: Client, renderRows: EventsOptions['renderRows']): Promise<void> {
  const { response, pending, since, predicate, wantsNew } = client;
  if (pending.size === 0 || response.writableNeedDrain) return;
  const batch = [...pending].slice(0, FLUSH_ROWS);
  for (const [id] of batch) pending.delete(id);
  const shows = predicate();
  const rows = batch.map(([, row]) => ({ row, isShown: wantsNew && shows(row) }));
  // The page cannot have a row that began after it was made: the script only counts it.
  const known = rows.filter(({ row }) => row.since <= timeOfId(since));
  const rendered = await renderRows(known);
  for (const { row, isShown } of rows) {
    const html = rendered.get(row);
    if (html !== undefined) send(client, 'row', html, row.cursor);
    else if (isShown) send(client, 'new', rowId(row), row.cursor);
  }
}

/** Only where it has changed. */
function sendPart(client: Client, name: keyof Parts, part: string): void {
  if (client.parts.get(name) === part) return;
  client.parts.set(name, part);
  send(client, 'part', part);
}

function send({ response }: Client, event: string, data: string, id?: string): void {
  const lines = data.split('\n').map((line) => `data: ${line}\n`);
  response.write(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}${lines.join('')}\n`);
}

/** Repeats an action, never twice at once. What fails is tried again. @returns what stops it */
function repeat(ms: number, act: () => Promise<void>): () => void {
  let isRunning = false;
  const timer = setInterval(() => {
    if (isRunning) return;
    isRunning = true;
    act()
      .catch(() => undefined)
      .finally(() => {
        isRunning = false;
      });
  }, ms);
  timer.unref();
  return () => clearInterval(timer);
}

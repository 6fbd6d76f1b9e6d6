import type { IncomingMessage } from 'node:http';
import { BYTES_PER_VALUE, SMALL_BODY, VALUE_WEIGHT } from './limits.ts';
import type { Share } from './room.ts';
import { Unavailable } from './unavailable.ts';
import { countValues } from './values.ts';

/** The body is not read, and would not be the next time. The message is the answer. */
export class RefusedBody extends Error {
  readonly status: 413 | 415;

  constructor(status: RefusedBody['status'], message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Reads the body of a request.
 *
 * @param limit bytes
 * @param share of the room for all bodies: it gets what arrives
 * @throws {RefusedBody}
 * @throws {Unavailable} if there is no room, or the connection breaks
 */
export async function readBody(
  request: IncomingMessage,
  limit: number,
  share: Share,
): Promise<string> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw compressed(encoding);
  // Refused before it arrives, not after megabytes of it.
  if (Number(request.headers['content-length']) > limit) throw tooLarge(limit);
  const body = joined(await readChunks(request, limit, share));
  if (body.length > SMALL_BODY) checkValues(countValues(body), limit, share);
  return body.toString();
}

function joined(chunks: Buffer[]): Buffer {
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}

function checkValues(values: number, limit: number, share: Share): void {
  const most = Math.floor(limit / BYTES_PER_VALUE);
  if (values > most) {
    throw new RefusedBody(
      413,
      `the body has ${values} values, more than ${most}: no notification of this size has so many`,
    );
  }
  share.add(values * VALUE_WEIGHT);
}

/** By events: an asynchronous iteration takes longer, and each notification passes here. */
function readChunks(request: IncomingMessage, limit: number, share: Share): Promise<Buffer[]> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer[]>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const onData = (chunk: Buffer): void => {
    try {
      bytes += chunk.length;
      if (bytes > limit) throw tooLarge(limit);
      share.add(chunk.length);
      chunks.push(chunk);
    } catch (error) {
      stop();
      reject(error);
    }
  };
  const onEnd = (): void => {
    stop();
    resolve(chunks);
  };
  const onClose = (): void => {
    stop();
    reject(incomplete());
  };
  const stop = (): void => {
    request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
  };
  request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  return promise;
}

function tooLarge(limit: number): RefusedBody {
  return new RefusedBody(
    413,
    `the body is larger than ${limit} bytes: raise OPENFERO_BODY_LIMIT, or set max_alerts in the webhook_config of Alertmanager`,
  );
}

/** 400 would say that something is wrong with the notification. */
function compressed(encoding: string): RefusedBody {
  return new RefusedBody(
    415,
    `the body is compressed (Content-Encoding: ${encoding}): send it uncompressed`,
  );
}

/** Nobody reads this answer, but the log has it. */
function incomplete(): Unavailable {
  return new Unavailable('the connection was closed before the body had arrived');
}

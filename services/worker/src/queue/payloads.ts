import { UnreadablePayload } from '@openfero/core/redis/remediation';
import { LockLost } from '../remediation/verdict.ts';
import type { RemediationJob } from './delivery.ts';

/**
 * Characters of payloads, as JSON, that a worker holds at once. What the receiver stores today fits
 * for all remediations in hand (64 of 256 KiB each); an older receiver stored alerts of up to 3 MB,
 * and with 64 of those in hand every worker ran out of memory. A character takes one or two bytes, and
 * each payload exists as text and as objects. With 60 alerts of 2.9 MB a worker takes 270 MiB in all;
 * the limit in deploy/kubernetes/worker.yaml is 384 MiB.
 */
export const PAYLOAD_ROOM = 16 * 1024 * 1024;

/**
 * The payloads that a worker holds. BullMQ takes remediations by count and hands each over whole, so a
 * payload for which there is no room is dropped before it is parsed, and read again from Redis when
 * the others have ended. The remediation is this worker's meanwhile; its lock is renewed.
 */
export interface Payloads {
  /** Counts a payload that BullMQ has handed over. @returns false where it has to be dropped */
  admit(characters: number): boolean;
  /** Remembers which job the payload belongs to, and whether it was admitted. */
  assign(job: RemediationJob, payload: Payload): void;
  /**
   * Waits for room, and reads the payload, if it was dropped.
   *
   * @throws {UnreadablePayload} where it is larger than all the room
   * @throws {LockLost} where the remediation is gone
   */
  load(job: RemediationJob): Promise<void>;
  /** The job is done with its payload. */
  release(job: RemediationJob): void;
}

interface Payload {
  readonly characters: number;
  readonly held: boolean;
}

interface Waiting {
  readonly characters: number;
  readonly admitted: () => void;
}

/** @param read the payload of a remediation as JSON, null where there is none */
export function createPayloads(read: (id: string) => Promise<string | null>): Payloads {
  const payloads = new WeakMap<RemediationJob, Payload>();
  // In the order of arrival: a large one must not wait for ever while small ones pass it.
  const queue: Waiting[] = [];
  let used = 0;
  const fits = (characters: number): boolean => used + characters <= PAYLOAD_ROOM;
  const admit: Payloads['admit'] = (characters) => {
    if (queue.length > 0 || !fits(characters)) return false;
    used += characters;
    return true;
  };
  const admitWaiting = (): void => {
    for (let next = queue[0]; next !== undefined && fits(next.characters); next = queue[0]) {
      queue.shift();
      used += next.characters;
      next.admitted();
    }
  };
  return {
    admit,
    assign: (job, payload) => void payloads.set(job, payload),
    async load(job) {
      const { characters, held } = payloads.get(job) ?? { characters: 0, held: true };
      if (held) return;
      if (characters > PAYLOAD_ROOM) {
        throw new UnreadablePayload(
          `the payload has ${characters} characters, and a worker reads ${PAYLOAD_ROOM} at most: remove it`,
        );
      }
      if (!admit(characters)) {
        await new Promise<void>((admitted) => queue.push({ characters, admitted }));
      }
      payloads.set(job, { characters, held: true });
      const text = await read(job.id ?? '');
      if (text === null) throw new LockLost();
      job.data = parse(text);
    },
    release(job) {
      const payload = payloads.get(job);
      if (!payloads.delete(job) || !payload?.held) return;
      used -= payload.characters;
      admitWaiting();
    },
  };
}

/** BullMQ would take data that is not JSON, and fail, for ever: null is what {@link readJob} refuses. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

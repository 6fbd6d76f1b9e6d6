import { type Raised, REPLACE_RAISED, raisedKey, readRaised } from '@openfero/core/redis/raised';
import type { RedisConnection } from '@openfero/service/redis';
import { script } from '@openfero/service/script';

/** One of the fields of `raised`. */
export interface RaisedField {
  readonly field: string;
  /** As it stands in Redis. */
  readonly text: string;
  readonly raised: Raised;
}

/** All that is raised, or ended a short while ago. */
export interface RaisedFields {
  read(): Promise<readonly RaisedField[]>;
  /** Ends one, unless it was raised again meanwhile. @param now ms, Redis' clock. @returns it as it is then */
  end(one: RaisedField, now: number): Promise<Raised>;
  /** Removes one, unless it was raised again meanwhile. */
  remove(one: RaisedField): Promise<void>;
}

export function createRaisedFields(redis: RedisConnection, prefix: string): RaisedFields {
  const replaceScript = script(redis, REPLACE_RAISED);
  const replace = ({ field, text }: RaisedField, next: string): Promise<unknown> =>
    replaceScript([raisedKey(prefix)], [field, text, next]);
  return {
    async read() {
      const all = Object.entries(await redis.hgetall(raisedKey(prefix)));
      return all.flatMap(([field, text]) => {
        const raised = readRaised(text);
        return raised === undefined ? [] : [{ field, text, raised }];
      });
    },
    async end(one, now) {
      const ended = { ...one.raised, until: now, at: now };
      return (await replace(one, JSON.stringify(ended))) === 1 ? ended : one.raised;
    },
    async remove(one) {
      await replace(one, '');
    },
  };
}

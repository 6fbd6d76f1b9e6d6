import { DECIDE, decideInput, readNoted } from '@openfero/core/redis/approval-scripts';
import {
  askedKey,
  type Decision,
  type Question,
  readQuestion,
} from '@openfero/core/redis/approvals';
import { readTime } from '@openfero/core/redis/memory';
import type { RedisConnection } from '@openfero/service/redis';
import { script } from '@openfero/service/script';
import type { Answer } from './answer.ts';

interface DecideOptions {
  readonly redis: RedisConnection;
  readonly prefix: string;
}

/** The Jobs that wait for a person, the oldest first. */
export async function readQuestions(redis: RedisConnection, prefix: string): Promise<Question[]> {
  const fields = await redis.hgetall(askedKey(prefix));
  const questions = Object.values(fields).map(readQuestion);
  return questions.filter((question) => question !== undefined).sort((a, b) => a.at - b.at);
}

/**
 * Notes that a person approves or denies the Job of a remediation. A worker carries it out within a second,
 * if nothing is in the way by then.
 */
export function createDecide(
  { redis, prefix }: DecideOptions,
  decision: Decision,
): (remediation: string, by: string) => Promise<Answer> {
  const decideScript = script(redis, DECIDE);
  return async (remediation, by) => {
    const questions = await readQuestions(redis, prefix);
    const question = questions.find((each) => each.remediation === remediation);
    if (question === undefined) return refusal(410, NOT_ASKED);
    const at = readTime(await redis.time());
    const { keys, args } = decideInput(prefix, question.uid, { decision, by, at });
    const noted = readNoted(await decideScript(keys, args));
    switch (noted.kind) {
      case 'noted':
        return { code: 204, changed: 1 };
      case 'known':
        return refusal(
          409,
          `it is ${noted.wish?.decision ?? 'decided'} already${byWhom(noted.wish?.by)}`,
        );
      case 'decided':
        return refusal(
          410,
          `it was ${noted.decided?.decision ?? 'decided'}${byWhom(noted.decided?.by)}`,
        );
      case 'unknown':
        return refusal(410, NOT_ASKED);
    }
  };
}

const NOT_ASKED = 'this Job waits for nobody any more: its story says what became of it';

const byWhom = (by = ''): string => (by === '' ? '' : `, by ${by}`);

const refusal = (code: 409 | 410, error: string): Answer => ({ code, changed: 0, body: { error } });

import { NoAnswer } from './client.ts';

/** Milliseconds that a question waits for its turn. */
const LANE_LIMIT = 15_000;

interface Waiting<Question, Answer> {
  readonly question: Question;
  readonly since: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Sends one request at a time: Alertmanager answers 503 to more than eight. What waits when a request
 * starts, and wants to know the same, shares its answer; no question is answered by a request that had
 * started before it.
 *
 * @param keyOf equal for questions that one request answers
 * @param send one request for those questions. @throws {NoAnswer}
 * @returns asks. @throws {NoAnswer}
 */
export function createLane<Question, Answer>(
  keyOf: (question: Question) => string,
  send: (questions: readonly Question[]) => Promise<Answer>,
): (question: Question) => Promise<Answer> {
  let waiting: readonly Waiting<Question, Answer>[] = [];
  let running = false;

  /** Takes those out of the waiting that the predicate takes. */
  const take = (wanted: (one: Waiting<Question, Answer>) => boolean) => {
    const taken = waiting.filter(wanted);
    waiting = waiting.filter((one) => !wanted(one));
    return taken;
  };
  const refuseLate = (): void => {
    const late = performance.now() - LANE_LIMIT;
    refuse(
      take(({ since }) => since < late),
      new NoAnswer(TOO_SLOW, false),
    );
  };
  const sendNext = async (first: Waiting<Question, Answer>): Promise<void> => {
    const key = keyOf(first.question);
    const batch = take(({ question }) => keyOf(question) === key);
    try {
      const answer = await send(batch.map(({ question }) => question));
      for (const { resolve } of batch) resolve(answer);
    } catch (error) {
      // The others would wait as long, one after the other, and get no answer either.
      const unreachable = error instanceof NoAnswer && error.unreachable;
      refuse(unreachable ? [...batch, ...take(() => true)] : batch, error);
    }
  };
  const run = async (): Promise<void> => {
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      await sendNext(first);
      refuseLate();
    }
    running = false;
  };
  return (question) =>
    new Promise((resolve, reject) => {
      waiting = [...waiting, { question, since: performance.now(), resolve, reject }];
      if (running) return;
      running = true;
      // Those that are asked in the same moment wait with it.
      queueMicrotask(() => void run());
    });
}

function refuse(all: readonly Pick<Waiting<never, never>, 'reject'>[], error: unknown): void {
  for (const { reject } of all) reject(error);
}

const TOO_SLOW = `it answers too slowly: more than ${LANE_LIMIT / 1000} s for all that is asked`;

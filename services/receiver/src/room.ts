import { SMALL_BODY } from './limits.ts';
import { tooMuchInProgress } from './unavailable.ts';

/** The memory that notifications in progress may take together. */
export interface Room {
  enter(): Share;
}

/** What one notification takes of it. */
export interface Share {
  /** @throws {Unavailable} if there is not enough room left */
  add(bytes: number): void;
  /** Gives everything back. */
  leave(): void;
}

/**
 * Sixteen legal notifications of 2.6 MB at once were more than the memory of a receiver.
 *
 * Small ones get a quarter more, so that they are taken while large ones fill the room. A large one
 * gets any amount while the others take less than half: its own limits bound it, and it must get
 * through some time.
 *
 * @param limit bytes
 */
export function createRoom(limit: number): Room {
  let used = 0;
  const isFull = (own: number, others: number): boolean =>
    own + others > (own <= SMALL_BODY ? limit * 1.25 : limit) && others > limit / 2;
  return {
    enter() {
      let own = 0;
      return {
        add(bytes) {
          if (isFull(own + bytes, used - own)) throw tooMuchInProgress(limit);
          own += bytes;
          used += bytes;
        },
        leave() {
          used -= own;
          own = 0;
        },
      };
    },
  };
}

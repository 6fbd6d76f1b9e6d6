import { mkdir, rm, stat, utimes } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 500;
const BEAT_MS = 5_000;
/** A holder that died leaves its lock without a beat; six missed beats are no busy machine. */
const STALE_MS = 30_000;

/**
 * Runs `work` while no other process does. Two may remove one stale lock at once and then both
 * build: a waste of minutes, not a fault, since the result appears by a rename.
 */
export async function holding(lock: string, work: () => Promise<void>): Promise<void> {
  for (let waited = 0; !(await taken(lock)); waited += POLL_MS) {
    if (waited === 0) console.error(`controlplane: waiting for another process (${lock})`);
    await sleep(POLL_MS);
  }
  const beat = setInterval(() => {
    utimes(lock, new Date(), new Date()).catch(() => {});
  }, BEAT_MS);
  try {
    await work();
  } finally {
    clearInterval(beat);
    await rm(lock, { recursive: true, force: true });
  }
}

async function taken(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch {
    const beaten = await stat(lock).catch(() => undefined);
    const stale = beaten !== undefined && Date.now() - beaten.mtimeMs > STALE_MS;
    if (stale) await rm(lock, { recursive: true, force: true });
    return false;
  }
}

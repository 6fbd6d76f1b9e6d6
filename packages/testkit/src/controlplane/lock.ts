import { mkdir, rm, stat, utimes } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 500;
const BEAT_MS = 5_000;
/** A lock without a beat for this time belongs to a dead process. */
const STALE_MS = 30_000;

/**
 * Runs `work` while no other process does. Two processes may remove the same stale lock and then both
 * build. That wastes minutes, but does no harm, since the result is renamed into place.
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

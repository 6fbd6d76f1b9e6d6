/** Milliseconds between two checks. */
const POLL = 20;

/**
 * Waits until a condition holds, if no event announces it.
 *
 * @throws naming `what`, after `limitMs`
 */
export async function until(
  what: string,
  holds: () => Promise<boolean> | boolean,
  limitMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}

/** Milliseconds between two looks. */
const POLL = 20;

/**
 * Waits until something holds that no event announces.
 *
 * @param limitMs an error names `what` once this time is over
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

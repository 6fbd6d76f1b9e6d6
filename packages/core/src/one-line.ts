/** What a person reads at a glance, and a line of log holds without harm. */
const LONGEST = 1_000;

/** A message that quotes what others wrote, as one line of bounded length. */
export function oneLine(message: string): string {
  const line = message.replaceAll(/[\n\r\u0085\u2028\u2029]\s*/g, ' ');
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line;
}

/** What RE2's syntax is made of, as far as it says how often a part is written out. */
const PART =
  /(?<literal>\\Q.*?(?:\\E|$))|\\[xpP]\{[^}]*\}|\\.|\[\^?\]?(?:\[:\w+:\]|\\.|[^\]\\])*\]|(?<open>\()|(?<close>\))|\{(?<least>\d+),?(?<most>\d*)\}|./gsu;

interface Group {
  /** Of all in it so far. */
  size: number;
  /** Of its last part, which a repetition is about. */
  last: number;
  readonly outer: Group | undefined;
}

/**
 * About how many instructions a regular expression becomes in RE2, without compiling it: a repetition is
 * written out, so that the 4,095 characters of 455 times `\pL{1000}` became 455,000 instructions, in 9 s.
 */
export function programSize(pattern: string): number {
  let group: Group = { size: 0, last: 0, outer: undefined };
  for (const part of pattern.matchAll(PART)) group = read(part, group);
  // A pattern that RE2 will refuse may leave some open.
  for (; group.outer !== undefined; group = group.outer) add(group.outer, group.size);
  return group.size;
}

/** @returns the group that is open after it */
function read({ groups = {} }: RegExpExecArray, group: Group): Group {
  const { literal, open, close, least, most } = groups;
  if (open !== undefined) return { size: 0, last: 0, outer: group };
  if (close !== undefined && group.outer !== undefined) {
    add(group.outer, group.size + 1);
    return group.outer;
  }
  if (least !== undefined) repeat(group, Math.max(Number(least), Number(most)));
  else add(group, literal?.length ?? 1);
  return group;
}

function add(group: Group, size: number): void {
  group.size += size;
  group.last = size;
}

function repeat(group: Group, times: number): void {
  const copies = Math.max(1, times);
  group.size += group.last * (copies - 1);
  group.last *= copies;
}

import { APPEND_FUNCTION, appendKeys } from './history.ts';
import { encodeOperarius, operariiKey, type PublishedOperarius } from './published.ts';

/**
 * Publishes operarii, and removes those that are gone. Where that changes the digest of the definition or what
 * is wrong with it, it appends an entry to the history: the first worker that publishes the change does, the
 * others find nothing new.
 *
 * KEYS the operarii, those of `append`. ARGV how many entries the history may have, then three for each
 * operarius: its name, what is published ('' where it is gone), and the entry, to which the digest before is
 * added. Returns the name and the digest before ('' where none was known) of each that changed.
 */
export const PUBLISH = `${APPEND_FUNCTION}
local function read(text)
  local ok, value = pcall(cjson.decode, text or '')
  return ok and type(value) == 'table' and value or {}
end
local changed = {}
for i = 2, #ARGV, 3 do
  local name, text, entry = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local was, is = read(redis.call('HGET', KEYS[1], name)), read(text)
  if text == '' then redis.call('HDEL', KEYS[1], name) else redis.call('HSET', KEYS[1], name, text) end
  if was.definition ~= is.definition or was.problem ~= is.problem then
    local before = string.match(tostring(was.definition), '^%x%x%x%x%x%x%x%x%x%x$') or ''
    if before ~= '' then entry = '{"before":"' .. before .. '",' .. string.sub(entry, 2) end
    append(KEYS[2], KEYS[3], KEYS[4], ARGV[1], entry)
    changed[#changed + 1] = name
    changed[#changed + 1] = before
  end
end
return changed
`;

/** What a worker says of one operarius. */
export interface ToPublish {
  readonly name: string;
  /** Undefined where it is gone. */
  readonly operarius: PublishedOperarius | undefined;
  /** As encodeEntry writes it, without the digest before. */
  readonly entry: string;
}

/** KEYS and ARGV of {@link PUBLISH}. @param count OPENFERO_HISTORY_COUNT */
export function publishArguments(
  prefix: string,
  operarii: readonly ToPublish[],
  count: number,
): { keys: string[]; args: (string | number)[] } {
  const three = ({ name, operarius, entry }: ToPublish): string[] => [
    name,
    operarius === undefined ? '' : encodeOperarius(operarius),
    entry,
  ];
  return {
    keys: [operariiKey(prefix), ...appendKeys(prefix)],
    args: [count, ...operarii.flatMap(three)],
  };
}

/** Reads the answer of {@link PUBLISH}: the digest before ('' where none was known) by the name. */
export function readPublishAnswer(answer: unknown): ReadonlyMap<string, string> {
  const texts = Array.isArray(answer) ? answer.map(String) : [];
  const names = texts.filter((_, index) => index % 2 === 0);
  return new Map(names.map((name, index) => [name, texts[2 * index + 1] ?? '']));
}

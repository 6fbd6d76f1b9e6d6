/** What YAML 1.1's plain words mean to Kubernetes, as a table and not as a rule: `yEs` is a string. */
const WORDS: ReadonlyMap<string, boolean | number | null> = new Map<
  string,
  boolean | number | null
>([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map(
    (word) => [word, true] as const,
  ),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map(
    (word) => [word, false] as const,
  ),
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, Number.NaN] as const),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word) => [word, Infinity] as const),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => [word, -Infinity] as const),
]);

/** Go's ParseInt with base 0, underscores removed. A leading 0 is octal. */
const INTEGER = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
/** A number that begins with its point goes to Go's ParseFloat as it is: `_` only between digits. */
const POINT_FLOAT = /^\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?$/;

const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;

/** An integer is a bigint, a float a number: to Kubernetes they are not the same. */
export type Scalar = string | number | boolean | null | bigint;

/**
 * What an unquoted scalar means to Kubernetes. Base 60 (`12:30`) and dates stay strings there.
 *
 * Source: go.yaml.in/yaml/v2, resolve.go.
 */
export function resolvePlain(text: string): Scalar {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (/^[-+0-9]/.test(text)) return resolveNumber(text);
  return POINT_FLOAT.test(text) ? resolveFloat(text) : text;
}

function resolveNumber(text: string): Scalar {
  const plain = text.replaceAll('_', '');
  const integer = readInteger(plain);
  if (integer !== undefined && integer >= INT64_MIN && integer <= UINT64_MAX) return integer;
  return FLOAT.test(plain) ? resolveFloat(text) : text;
}

function readInteger(plain: string): bigint | undefined {
  // goyaml's own attempt at binary numbers takes a sign behind the prefix.
  const match = INTEGER.exec(plain.replace(/^0b([-+])/, '$10b'));
  if (match === null) return undefined;
  const [, sign, digits = ''] = match;
  const magnitude = BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits);
  return sign === '-' ? -magnitude : magnitude;
}

/** A float that is too large for 64 bits stays a string. */
function resolveFloat(text: string): Scalar {
  const number = Number(text.replaceAll('_', ''));
  return Number.isFinite(number) ? number : text;
}

/**
 * A float as the key of a JSON object: as Go writes one of 32 bits with the fewest digits that tell it
 * apart. `1.10` is "1.1", `1e6` is "1e+06".
 *
 * Source: sigs.k8s.io/yaml, convertToJSONableObject; Go, strconv.FormatFloat(f, 'g', -1, 32).
 */
export function floatKey(number: number): string {
  const single = Math.fround(number);
  if (Number.isNaN(single)) return '.nan';
  if (!Number.isFinite(single)) return single > 0 ? '.inf' : '-.inf';
  if (single === 0) return Object.is(single, -0) ? '-0' : '0';
  const shortest = shortestExponential(single);
  const exponent = Number(shortest.slice(shortest.indexOf('e') + 1));
  if (exponent >= -4 && exponent < GO_EXPONENT) return String(Number(shortest));
  const [mantissa = '', power = ''] = shortest.split('e');
  const [sign, digits] = [power.slice(0, 1), power.slice(1)];
  return `${mantissa}e${sign}${digits.padStart(2, '0')}`;
}

/** From this power of ten on Go's format 'g' writes an exponent, when it looks for the fewest digits. */
const GO_EXPONENT = 6;

/** Nine digits tell any two floats of 32 bits apart. */
function shortestExponential(single: number): string {
  for (let digits = 0; digits < 8; digits++) {
    const text = single.toExponential(digits);
    if (Math.fround(Number(text)) === single) return text;
  }
  return single.toExponential(8);
}

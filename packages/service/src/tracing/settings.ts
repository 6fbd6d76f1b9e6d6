import { type Environment, InvalidSetting, secret, text } from '../settings.ts';

/** Where traces are sent: an OpenTelemetry collector, by OTLP over HTTP with JSON. */
export interface TracingSettings {
  readonly url: string;
  /** Credentials. Never logged. */
  readonly headers: Readonly<Record<string, string>>;
}

/** OpenTelemetry's own names: a cluster may set them for all of its pods. */
const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const HEADERS = 'OTEL_EXPORTER_OTLP_HEADERS';

/**
 * Reads where traces are sent.
 *
 * @returns undefined where tracing is off
 * @throws {InvalidSetting}
 */
export function readTracingSettings(env: Environment): TracingSettings | undefined {
  const endpoint = text(env, ENDPOINT);
  if (endpoint === undefined) return undefined;
  const url = URL.parse(endpoint);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username + url.search !== '') {
    // Not quoted: it may contain a password.
    throw new InvalidSetting(
      ENDPOINT,
      `is not a URL without credentials: use one such as http://collector:4318, and ${HEADERS} for credentials`,
    );
  }
  url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  return { url: url.href, headers: readHeaders(secret(env, HEADERS) ?? '') };
}

/** As OpenTelemetry writes them: `name=value,name=value`, values percent-encoded. */
function readHeaders(list: string): Record<string, string> {
  const pairs = list.split(',').filter((pair) => pair.trim() !== '');
  return Object.fromEntries(pairs.map(readHeader));
}

function readHeader(pair: string): [name: string, value: string] {
  const [, name = '', value = ''] = /^\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*(.*?)\s*$/s.exec(pair) ?? [];
  try {
    const decoded = decodeURIComponent(value);
    if (name !== '' && /^[\t\x20-\x7e]*$/.test(decoded)) return [name, decoded];
  } catch {
    // Below.
  }
  throw new InvalidSetting(HEADERS, 'is wrong: expected name=value, separated by commas');
}

import type { FastifyRequest } from 'fastify';
import { isLoopback } from './settings.ts';

/**
 * Returns why a request may come from another site's page, undefined if it does not.
 *
 * After Go's net/http CrossOriginProtection: a browser sends Sec-Fetch-Site if it trusts the connection
 * (HTTPS, localhost), and Origin always, except with GET and HEAD. A client that sends neither is not
 * a browser, so no page can have tricked it. The scheme of Origin is not compared: behind a proxy that
 * terminates TLS we do not know our own.
 */
export function crossOriginProblem(request: FastifyRequest): string | undefined {
  const { origin, host, 'sec-fetch-site': site } = request.headers;
  if (site !== undefined) {
    return site === 'same-origin' ? undefined : `Sec-Fetch-Site is ${site}`;
  }
  if (origin === undefined || hostOf(origin) === host) return undefined;
  return `Origin ${origin} does not match Host ${host}; a proxy in front of the dashboard must forward Host`;
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

/**
 * Whether Host is not a name of this machine. If an attacker points a name at the loopback address (DNS
 * rebinding), the attacker's page has the same origin as ours: without authentication that would be
 * enough.
 */
export function isRebound(request: FastifyRequest): boolean {
  return !isLoopback(request.hostname.replace(/^\[(.*)\]$/, '$1'));
}

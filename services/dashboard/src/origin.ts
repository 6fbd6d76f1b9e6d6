import type { FastifyRequest } from 'fastify';
import { isLoopback } from './settings.ts';

/**
 * Says why a request may come from a page of somebody else, or undefined where it does not.
 *
 * After Go's net/http CrossOriginProtection: a browser says Sec-Fetch-Site where it trusts the
 * connection (HTTPS, localhost), and Origin with everything but GET and HEAD always. Who sends
 * neither is no browser's page, so nobody can have lured it here; it has credentials of its own.
 * The scheme of Origin is not compared: behind a proxy that ends TLS we do not know our own.
 */
export function foreignOrigin(request: FastifyRequest): string | undefined {
  const { origin, host, 'sec-fetch-site': site } = request.headers;
  if (site !== undefined) {
    return site === 'same-origin'
      ? undefined
      : `it comes from another page (Sec-Fetch-Site ${site})`;
  }
  if (origin === undefined || hostOf(origin) === host) return undefined;
  return `Origin ${origin} is not Host ${host}: a proxy before the dashboard has to pass Host on`;
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

/**
 * Whether the browser was told a name for us that is not this machine's. To a name whose address
 * was changed to the loopback (DNS rebinding) a foreign page is of the same origin; where nobody
 * has to log in that would be enough.
 */
export function rebound(request: FastifyRequest): boolean {
  return !isLoopback(request.hostname.replace(/^\[(.*)\]$/, '$1'));
}

import type { FastifyInstance } from 'fastify';

/**
 * Where the dashboard is below a path of another site, such as `/openfero`. Everything in here is written as if
 * it were at `/`; only this file adds and removes the base path. Empty: there is none.
 */
export function serveBelow(app: FastifyInstance, basePath: string): void {
  if (basePath === '') return;
  // The application's hooks run before those of a scope, and Bull Board's document goes through here as well.
  app.addHook('onSend', async (_request, reply, payload) => {
    const location = reply.getHeader('location');
    if (typeof location === 'string') reply.header('location', belowBase(location, basePath));
    const isPage = String(reply.getHeader('content-type')).startsWith('text/html');
    return isPage && typeof payload === 'string' ? addBasePath(payload, basePath) : payload;
  });
}

/**
 * Removes the base path from the URL of a request. A URL without it stays: some proxies remove it themselves, and
 * probes and Prometheus come without a proxy.
 */
export function withoutBase(url: string, basePath: string): string {
  if (basePath === '' || !url.startsWith(basePath)) return url;
  const rest = url.slice(basePath.length);
  if (rest === '' || rest.startsWith('?')) return `/${rest}`;
  return rest.startsWith('/') ? rest : url;
}

/** Adds the base path to a path of ours. */
const belowBase = (address: string, basePath: string): string =>
  /^\/(?![/\\])/.test(address) ? basePath + address : address;

/**
 * Adds the base path to the addresses in HTML. In texts quotes are escaped, so no alert can look like one of these
 * attributes.
 */
export function addBasePath(html: string, basePath: string): string {
  if (basePath === '') return html;
  return html.replace(
    / (href|src|action|data-events)="(\/[^"]*)"/g,
    (_whole, name, address) => ` ${name}="${belowBase(address, basePath)}"`,
  );
}

/** Why a path cannot be the base path; undefined where it can. */
export function basePathProblem(path: string): string | undefined {
  return /^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/.test(path)
    ? undefined
    : 'must begin with a slash, not end with one, and contain letters, digits and -._~ only, as in /openfero';
}

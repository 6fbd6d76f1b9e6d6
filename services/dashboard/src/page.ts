import type { FastifyInstance } from 'fastify';
import { RELOAD_SECONDS } from './limits.ts';
import { html } from './pages/html.ts';

/**
 * Every page shows alert text, which is hostile: only files of this server are loaded, nothing is sent to
 * another origin, and the browser itself refuses HTML that no policy of our script has passed.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types openfero',
].join('; ');

/** For Bull Board, whose styles are inline or created by its script. A style runs no code. */
const BOARD_SECURITY_POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // No alert in the cache of a browser or a proxy. Static files override this.
  'cache-control': 'no-store',
};

/** Adds security headers to every response, errors included: call it before adding other hooks. */
export function protectPages(app: FastifyInstance): void {
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(HEADERS);
  });
}

/** Replaces the policy by that of Bull Board, in a scope of its own. */
export function allowBoard(scope: FastifyInstance): void {
  scope.addHook('onRequest', async (_request, reply) => {
    reply.header('content-security-policy', BOARD_SECURITY_POLICY);
  });
}

/**
 * Adapts Bull Board's document: removes what it loads from other servers (fonts from Google), and hides
 * the controls of what is refused here.
 */
export function adaptPage(html: string): string {
  return html
    .replace(/<link\b[^>]*\bhref="(https?:)?\/\/[^>]*>\s*/gi, '')
    .replace('</head>', `<style>${HIDDEN} { display: none }</style></head>`);
}

/**
 * Found by their icons, the only markup with stable names. In menus: add, pause and resume, concurrency,
 * rate limit, empty, obliterate, promote. As buttons: promote, reschedule, duplicate and edit; and
 * remove where there is no retry, which only the list of failed ones has.
 */
const HIDDEN = [
  ...menuItems('plus pause play chart-no-axes-gantt gauge trash-2 ban corner-up-left'),
  ...buttons('corner-up-left clock files pencil'),
  ...buttons('trash-2').map((button) => `ul:not(:has(.lucide-refresh-cw)) ${button}`),
].join(', ');

function menuItems(icons: string): string[] {
  return icons.split(' ').map((icon) => `[role=menuitem]:has(> .lucide-${icon})`);
}

function buttons(icons: string): string[] {
  return icons.split(' ').map((icon) => `button:has(> .lucide-${icon})`);
}

/** The page while Redis is down. It reloads itself. */
export function unavailablePage(reason: string): string {
  return `<!DOCTYPE html>
${html`<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="${RELOAD_SECONDS}"><title>Not available · OpenFero</title>
<link rel="stylesheet" href="/assets/style.css"></head>
<body><main><h1>The dashboard is not available</h1><p>${reason}</p><p>This page reloads every ${RELOAD_SECONDS} seconds.</p></main></body>
</html>
`}`;
}

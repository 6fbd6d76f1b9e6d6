import type { FastifyInstance } from 'fastify';
import { RELOAD_SECONDS } from './limits.ts';

/**
 * Bull Board shows alert text, which is hostile: only scripts of this server run, and nothing is loaded
 * from or sent to another origin.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  // Bull Board's styles are inline or created by its script. A style runs no code.
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
<html lang="en">
<head><meta charset="utf-8"><meta http-equiv="refresh" content="${RELOAD_SECONDS}"><title>OpenFero</title>
<style>body { font: 1rem/1.5 sans-serif; margin: 3rem }</style></head>
<body><h1>The dashboard is not available</h1><p>${escapeHtml(reason)}</p><p>This page reloads every ${RELOAD_SECONDS} seconds.</p></body>
</html>
`;
}

/** The reason quotes the server. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

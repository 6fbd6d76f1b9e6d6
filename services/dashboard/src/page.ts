import type { FastifyInstance } from 'fastify';
import { RELOAD_SECONDS } from './limits.ts';

/**
 * Alert text is hostile, and Bull Board shows it: no script but the files of this server, and
 * nothing from or to another origin.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  // Its styles are partly inline, and partly made by its script: text, which runs nothing.
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
  // Alerts do not belong into a browser's or a proxy's cache; static files say otherwise themselves.
  'cache-control': 'no-store',
};

/** Puts the security headers on every answer, refusals included: add it before every other hook. */
export function protectPages(app: FastifyInstance): void {
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(HEADERS);
  });
}

/**
 * Makes Bull Board's document ours: without what it asks of other servers (it loads fonts from
 * Google), and without the controls of what is refused here anyway.
 */
export function adaptPage(html: string): string {
  return html
    .replace(/<link\b[^>]*\bhref="(https?:)?\/\/[^>]*>\s*/gi, '')
    .replace('</head>', `<style>${HIDDEN} { display: none }</style></head>`);
}

/**
 * Known by their icons, the only marks that keep their names: add, pause and resume, concurrency,
 * rate limit, empty, obliterate, promote; then promote, reschedule, duplicate and edit; then remove
 * where retry is not offered, since that is in no other list than the failed ones'.
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

/** The page while Redis is away: it says so, and comes back by itself. */
export function unavailablePage(reason: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta http-equiv="refresh" content="${RELOAD_SECONDS}"><title>OpenFero</title>
<style>body { font: 1rem/1.5 sans-serif; margin: 3rem }</style></head>
<body><h1>The dashboard has nothing to show</h1><p>${reason}</p><p>This page asks again every ${RELOAD_SECONDS} seconds.</p></body>
</html>
`;
}

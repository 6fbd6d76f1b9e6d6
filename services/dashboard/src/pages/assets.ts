import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { Address } from './html.ts';
import type { Assets } from './layout.ts';

const FILES = {
  style: { name: 'style.css', type: 'text/css; charset=utf-8' },
  script: { name: 'live.js', type: 'text/javascript; charset=utf-8' },
} as const;

/** Serves the style sheet and the script. @returns their addresses */
export function serveAssets(scope: FastifyInstance): Assets {
  const serve = ({ name, type }: (typeof FILES)[keyof typeof FILES]): Address => {
    // Beside this file, and beside the bundle: deploy/image/bundle.ts copies the folder.
    const content = readFileSync(new URL(`./assets/${name}`, import.meta.url));
    const path = `/assets/${name}`;
    scope.get(path, (_request, reply) =>
      // The address changes with the content.
      reply
        .header('cache-control', 'private, max-age=31536000, immutable')
        .type(type)
        .send(content),
    );
    const digest = createHash('sha256').update(content).digest('base64url').slice(0, 16);
    return Address.own(path, `v=${digest}`);
  };
  return { style: serve(FILES.style), script: serve(FILES.script) };
}

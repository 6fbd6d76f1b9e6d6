import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { OPEN_ROUTES } from './health.ts';
import { type Environment, InvalidSetting, oneOf, secret, text } from './settings.ts';

export type AuthSettings =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string };

const KINDS = ['none', 'basic', 'bearer'] as const;

/**
 * Reads OPENFERO_AUTH and what it needs. A credential that would not be asked for is an error: who
 * set it believes the door to be locked.
 *
 * @throws {InvalidSetting} naming what is missing or too much
 */
export function readAuthSettings(env: Environment): AuthSettings {
  const kind = oneOf(env, 'OPENFERO_AUTH', KINDS, 'none');
  const user = text(env, 'OPENFERO_AUTH_USER');
  const password = secret(env, 'OPENFERO_AUTH_PASSWORD');
  const token = secret(env, 'OPENFERO_AUTH_TOKEN');
  if (kind !== 'basic') {
    refuseUnused('OPENFERO_AUTH_USER', user, kind);
    refuseUnused('OPENFERO_AUTH_PASSWORD', password, kind);
  }
  if (kind !== 'bearer') refuseUnused('OPENFERO_AUTH_TOKEN', token, kind);
  if (kind === 'none') return { kind };
  if (kind === 'bearer') return { kind, token: needed('OPENFERO_AUTH_TOKEN', token, kind) };
  return {
    kind,
    user: readUser(needed('OPENFERO_AUTH_USER', user, kind)),
    password: needed('OPENFERO_AUTH_PASSWORD', password, kind),
  };
}

function readUser(user: string): string {
  if (!user.includes(':')) return user;
  throw new InvalidSetting(
    'OPENFERO_AUTH_USER',
    'holds a colon, which basic authentication cannot',
  );
}

function refuseUnused(name: string, value: string | undefined, kind: string): void {
  if (value === undefined) return;
  throw new InvalidSetting(
    'OPENFERO_AUTH',
    `is ${kind}, so ${name} would protect nothing: set ${name.endsWith('TOKEN') ? 'bearer' : 'basic'} or remove it`,
  );
}

function needed(name: string, value: string | undefined, kind: string): string {
  if (value !== undefined) return value;
  throw new InvalidSetting(name, `is missing: OPENFERO_AUTH=${kind} needs it (or ${name}_FILE)`);
}

/**
 * Lets only requests with the right credentials pass, on every route of the app but health and
 * metrics, unknown ones and those of plugins included.
 */
export function authenticate(app: FastifyInstance, settings: AuthSettings): void {
  if (settings.kind === 'none') return;
  const isRight = settings.kind === 'basic' ? basic(settings) : bearer(settings);
  const challenge =
    settings.kind === 'basic' ? 'Basic realm="OpenFero", charset="UTF-8"' : 'Bearer';
  app.addHook('onRequest', async (request, reply) => {
    // The route's own pattern, not the path: no spelling of a path can slip through.
    if (OPEN_ROUTES.has(request.routeOptions.url ?? '')) return;
    if (isRight(request.headers.authorization ?? '')) return;
    return reply
      .code(401)
      .header('www-authenticate', challenge)
      .send({
        error: `wrong or missing credentials: this asks for ${settings.kind} authentication`,
      });
  });
}

function basic(settings: { user: string; password: string }): (header: string) => boolean {
  const isRight = comparison(`${settings.user}:${settings.password}`);
  return (header) => {
    const [, encoded = ''] = /^basic +(\S+) *$/i.exec(header) ?? [];
    return isRight(Buffer.from(encoded, 'base64').toString());
  };
}

function bearer(settings: { token: string }): (header: string) => boolean {
  const isRight = comparison(settings.token);
  return (header) => isRight(/^bearer +(\S.*?) *$/i.exec(header)?.[1] ?? '');
}

/** In a time that tells nothing: timingSafeEqual needs equal lengths, so digests are compared. */
function comparison(expected: string): (given: string) => boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const right = digest(expected);
  return (given) => timingSafeEqual(right, digest(given));
}

import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { OPEN_ROUTES } from './health.ts';
import { type Environment, InvalidSetting, oneOf, readEach, secret, text } from './settings.ts';

export type AuthSettings =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string };

const KINDS = ['none', 'basic', 'bearer'] as const;

const AUTH = 'OPENFERO_AUTH';
const USER = 'OPENFERO_AUTH_USER';
const PASSWORD = 'OPENFERO_AUTH_PASSWORD';
const TOKEN = 'OPENFERO_AUTH_TOKEN';

/**
 * Reads OPENFERO_AUTH and its credentials. Credentials that would not be used are an error: whoever
 * set them expects protection.
 *
 * @throws {InvalidSettings} naming the variables that are missing or not used
 */
export function readAuthSettings(env: Environment): AuthSettings {
  const { kind, user, password, token } = readEach({
    kind: () => oneOf(env, AUTH, KINDS, 'none'),
    user: () => text(env, USER),
    password: () => secret(env, PASSWORD),
    token: () => secret(env, TOKEN),
  });
  if (kind !== 'basic') {
    refuseUnused(USER, user, kind, 'basic');
    refuseUnused(PASSWORD, password, kind, 'basic');
  }
  if (kind !== 'bearer') refuseUnused(TOKEN, token, kind, 'bearer');
  if (kind === 'none') return { kind };
  if (kind === 'bearer') return { kind, token: needed(TOKEN, token, kind) };
  const credentials = readEach({
    user: () => readUser(needed(USER, user, kind)),
    password: () => needed(PASSWORD, password, kind),
  });
  return { kind, ...credentials };
}

function readUser(user: string): string {
  if (!user.includes(':')) return user;
  throw new InvalidSetting(
    USER,
    'must not contain a colon: basic authentication does not allow it',
  );
}

function refuseUnused(
  name: string,
  value: string | undefined,
  kind: string,
  needs: 'basic' | 'bearer',
): void {
  if (value === undefined) return;
  throw new InvalidSetting(
    AUTH,
    `is ${kind}, so ${name} has no effect: set ${AUTH} to ${needs}, or remove ${name}`,
  );
}

function needed(name: string, value: string | undefined, kind: string): string {
  if (value !== undefined) return value;
  const orFile = name === USER ? '' : ` or ${name}_FILE`;
  throw new InvalidSetting(name, `is missing: with ${AUTH}=${kind}, set ${name}${orFile}`);
}

/**
 * Refuses requests without the right credentials, on every route except health and metrics: also on
 * unknown routes and on those of plugins.
 */
export function authenticate(app: FastifyInstance, settings: AuthSettings): void {
  if (settings.kind === 'none') return;
  const isRight =
    settings.kind === 'basic' ? createBasicCheck(settings) : createBearerCheck(settings);
  const challenge =
    settings.kind === 'basic' ? 'Basic realm="OpenFero", charset="UTF-8"' : 'Bearer';
  app.addHook('onRequest', async (request, reply) => {
    // By the pattern of the route, so that no other spelling of its path gets past.
    if (OPEN_ROUTES.has(request.routeOptions.url ?? '')) return;
    if (isRight(request.headers.authorization ?? '')) return;
    return reply
      .code(401)
      .header('www-authenticate', challenge)
      .send({
        error: `missing or wrong credentials: use ${settings.kind} authentication`,
      });
  });
}

function createBasicCheck(settings: {
  user: string;
  password: string;
}): (header: string) => boolean {
  const isRight = createComparison(`${settings.user}:${settings.password}`);
  return (header) => {
    return isRight(Buffer.from(credentialsIn(header, 'basic'), 'base64').toString());
  };
}

function createBearerCheck(settings: { token: string }): (header: string) => boolean {
  const isRight = createComparison(settings.token);
  return (header) => isRight(credentialsIn(header, 'bearer'));
}

/**
 * What follows the scheme in the header Authorization. Without a regular expression: one that looked
 * for the end of the credentials took 0.1 s for a header of 16 KiB of spaces.
 */
function credentialsIn(header: string, scheme: string): string {
  const start = `${scheme} `;
  return header.slice(0, start.length).toLowerCase() === start
    ? header.slice(start.length).trim()
    : '';
}

/** Compares in constant time. timingSafeEqual needs equal lengths, so it gets digests. */
function createComparison(expected: string): (given: string) => boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const right = digest(expected);
  return (given) => timingSafeEqual(right, digest(given));
}

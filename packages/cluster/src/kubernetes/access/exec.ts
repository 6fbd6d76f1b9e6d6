import type { RequestOptions } from 'node:https';
import type { User } from '@kubernetes/client-node/dist/config_types.js';
import { ExecAuth } from '@kubernetes/client-node/dist/exec_auth.js';
import { messageOf } from '@openfero/core/errors';
import { isObject } from '@openfero/core/kubernetes';

/** What a kubeconfig's exec plugin printed. */
export interface Printed {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface Plugin {
  /** Runs the program unless what it printed still holds. */
  credentials(): Promise<Printed>;
  /** The server refused what it printed: the next call runs it again. */
  refused(): void;
}

/** Milliseconds. A user without rights must not start a program for every call. */
const SHORTEST_BETWEEN_RUNS = 5000;

/**
 * Runs an exec plugin through client-node, which keeps what it printed until it expires.
 *
 * @param server for plugins that ask for it (provideClusterInfo)
 */
export function execPlugin(user: User, server: string): Plugin {
  const informed = withInfo(user, server);
  let auth = new ExecAuth();
  let renewedAt = Number.NEGATIVE_INFINITY;
  return {
    async credentials() {
      const options: RequestOptions = {};
      await auth.applyAuthentication(informed, options).catch((error: unknown) => {
        throw new Error(`${nameOf(user)} failed: ${oneLine(error)}`);
      });
      const given = printed(options);
      if (given.token !== undefined || given.cert !== undefined) return given;
      throw new Error(`${nameOf(user)} printed no credential`);
    },
    refused() {
      if (performance.now() - renewedAt < SHORTEST_BETWEEN_RUNS) return;
      renewedAt = performance.now();
      auth = new ExecAuth();
    },
  };
}

/** For messages. */
export function nameOf({ name, exec }: User): string {
  const command = isObject(exec) ? String(exec['command']) : 'exec';
  return `the exec plugin ${command} of user ${JSON.stringify(name)}`;
}

function printed({ headers, cert, key }: RequestOptions): Printed {
  const authorization = Object.entries(headers ?? {}).find(([name]) => name === 'Authorization');
  const token = /^Bearer (.+)$/s.exec(String(authorization?.[1] ?? ''))?.[1]?.trim();
  return {
    ...(token !== undefined && { token }),
    ...(typeof cert === 'string' && { cert }),
    ...(typeof key === 'string' && { key }),
  };
}

/** kubectl tells a plugin in KUBERNETES_EXEC_INFO what it is wanted for; client-node does not. */
function withInfo(user: User, server: string): User {
  const exec: unknown = user.exec;
  if (!isObject(exec)) return user;
  const info = {
    apiVersion: exec['apiVersion'],
    kind: 'ExecCredential',
    spec: { interactive: false, ...(exec['provideClusterInfo'] && { cluster: { server } }) },
  };
  const own = Array.isArray(exec['env']) ? exec['env'] : [];
  const env = [...own, { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) }];
  return { ...user, exec: { ...exec, env } };
}

/** It says what it likes, on several lines; the parser's error would quote what may be a token. */
function oneLine(error: unknown): string {
  if (error instanceof SyntaxError) return 'it printed no JSON';
  const message = messageOf(error);
  return message.trim().replace(/\s+/g, ' ').slice(0, 300);
}

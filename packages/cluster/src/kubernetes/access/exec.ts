import type { RequestOptions } from 'node:https';
import type { User } from '@kubernetes/client-node/dist/config_types.js';
import { ExecAuth } from '@kubernetes/client-node/dist/exec_auth.js';
import { messageOf } from '@openfero/core/errors';
import { isObject } from '@openfero/core/kubernetes';

/** The credentials that an exec plugin printed. */
export interface ExecCredentials {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface ExecPlugin {
  /** Runs the program, unless its last credentials are still valid. */
  credentials(): Promise<ExecCredentials>;
  /** The server refused the credentials: the next call runs the program again. */
  discard(): void;
}

/** Milliseconds. A user without permissions must not start a program for every call. */
const MIN_RUN_INTERVAL = 5000;

/**
 * Runs the exec plugin of a kubeconfig through client-node, which keeps the credentials until they
 * expire.
 *
 * @param server for plugins that ask for it (provideClusterInfo)
 */
export function createExecPlugin(user: User, server: string): ExecPlugin {
  const userWithInfo = withExecInfo(user, server);
  let auth = new ExecAuth();
  let discardedAt = Number.NEGATIVE_INFINITY;
  return {
    async credentials() {
      const options: RequestOptions = {};
      await auth.applyAuthentication(userWithInfo, options).catch((error: unknown) => {
        throw new Error(`${describePlugin(user)} failed: ${describeFailure(error)}`);
      });
      const credentials = credentialsIn(options);
      if (credentials.token !== undefined || credentials.cert !== undefined) return credentials;
      throw new Error(`${describePlugin(user)} returned no token and no client certificate`);
    },
    discard() {
      if (performance.now() - discardedAt < MIN_RUN_INTERVAL) return;
      discardedAt = performance.now();
      auth = new ExecAuth();
    },
  };
}

/** Names the plugin in messages. */
export function describePlugin({ name, exec }: User): string {
  const command = isObject(exec) ? String(exec['command']) : 'exec';
  return `the exec plugin ${command} of user ${JSON.stringify(name)}`;
}

function credentialsIn({ headers, cert, key }: RequestOptions): ExecCredentials {
  const authorization = Object.entries(headers ?? {}).find(([name]) => name === 'Authorization');
  const token = /^Bearer (.+)$/s.exec(String(authorization?.[1] ?? ''))?.[1]?.trim();
  return {
    ...(token !== undefined && { token }),
    ...(typeof cert === 'string' && { cert }),
    ...(typeof key === 'string' && { key }),
  };
}

/** Sets KUBERNETES_EXEC_INFO, as kubectl does and client-node does not. */
function withExecInfo(user: User, server: string): User {
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

/** One line of what the plugin said. The parser's own error would quote what may be a token. */
function describeFailure(error: unknown): string {
  if (error instanceof SyntaxError) return 'its output is not JSON';
  const message = messageOf(error);
  return message.trim().replace(/\s+/g, ' ').slice(0, 300);
}

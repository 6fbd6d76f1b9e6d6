import { existsSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import {
  type Cluster,
  type Context,
  newClusters,
  newContexts,
  newUsers,
  type User,
} from '@kubernetes/client-node/dist/config_types.js';
import { messageOf } from '@openfero/core/errors';
import { isObject, type Json, type JsonObject } from '@openfero/core/kubernetes';
import { parseManifest } from '@openfero/core/yaml';
import { InvalidSetting, readTextFile } from '@openfero/service/settings';
import type { Access, Identity, Pem } from './access.ts';

/**
 * Reads the current context of one or more kubeconfig files, as kubectl does: a missing file is
 * skipped, and of two entries with the same name the first is used.
 *
 * Only client-node's parser is loaded. Its KubeConfig class loads the whole generated API, and
 * rejects two entries with the same name: docs/decisions/0007-two-modules-of-client-node.md.
 *
 * @param paths value of KUBECONFIG
 * @param contextName in place of the current one
 * @throws {InvalidSetting} that names what is missing or not supported, and holds no secret
 */
export function readKubeconfig(paths: string, contextName?: string): Access {
  const files = paths.split(delimiter).filter((path) => path !== '');
  const found = files.filter((file) => existsSync(file));
  if (found.length === 0) throw invalid(`file not found: ${files.join(', ')}`);
  const configs = found.map(readFile);
  const current = contextName ?? configs.find((config) => config.current !== undefined)?.current;
  if (current === undefined) throw invalid(`${paths} does not set current-context: set it`);
  const context = findEntry('context', current, configs, (config) => config.contexts);
  const { cluster: clusterName, user: userName } = context.value;
  const cluster = findEntry('cluster', clusterName, configs, (config) => config.clusters);
  const user = findEntry('user', userName, configs, (config) => config.users);
  return accessOf(context.value, cluster, user);
}

/** One file. */
interface Config {
  readonly folder: string;
  readonly current: string | undefined;
  readonly contexts: readonly Context[];
  readonly clusters: readonly Cluster[];
  readonly users: readonly User[];
  /** The users again, with the fields that client-node's parser drops. */
  readonly rawUsers: readonly Json[];
}

function readFile(path: string): Config {
  const content = readTextFile('KUBECONFIG', path);
  try {
    const document = parseManifest(content);
    if (!isObject(document)) throw new Error('not a kubeconfig file');
    const rawUsers = document['users'];
    return {
      folder: dirname(path),
      current: textOf(document['current-context']),
      contexts: newContexts(document['contexts']),
      clusters: newClusters(document['clusters']),
      users: newUsers(rawUsers),
      rawUsers: Array.isArray(rawUsers) ? rawUsers : [],
    };
  } catch (error) {
    throw invalid(`${path}: ${messageOf(error)}`);
  }
}

/** An entry and the file that it is in. */
interface Entry<T> {
  readonly value: T;
  readonly config: Config;
}

function findEntry<T extends { readonly name: string }>(
  kind: string,
  name: string | undefined,
  configs: readonly Config[],
  entries: (config: Config) => readonly T[],
): Entry<T> {
  if (name === undefined) throw invalid(`the current context does not set ${kind}: set it`);
  for (const config of configs) {
    const value = entries(config).find((entry) => entry.name === name);
    if (value !== undefined) return { value, config };
  }
  throw invalid(`${kind} ${JSON.stringify(name)} is not defined`);
}

function accessOf(
  context: Context,
  { value: cluster, config }: Entry<Cluster>,
  user: Entry<User>,
): Access {
  if (!/^https?:/.test(cluster.server) || !URL.canParse(cluster.server)) {
    throw invalid(`the server of cluster ${JSON.stringify(cluster.name)} is not an https:// URL`);
  }
  if (textOf(cluster.proxyUrl) !== undefined) {
    throw invalid(
      `cluster ${JSON.stringify(cluster.name)} sets proxy-url, which is not supported: remove it`,
    );
  }
  const raw = rawUserOf(user);
  return {
    server: cluster.server,
    namespace: textOf(context.namespace),
    inPod: false,
    ca: pemOf(config.folder, cluster.caData, cluster.caFile),
    servername: textOf(cluster.tlsServerName),
    insecure: cluster.skipTLSVerify,
    identity: identityOf(user, raw),
    impersonate: impersonationOf(raw),
  };
}

/** client-node does not know `tokenFile`, `as-groups` and `as-uid`. */
function rawUserOf({ value, config }: Entry<User>): JsonObject {
  const entry = config.rawUsers.find((each) => isObject(each) && each['name'] === value.name);
  const user = isObject(entry) ? entry['user'] : undefined;
  return isObject(user) ? user : {};
}

function identityOf({ value: user, config: { folder } }: Entry<User>, raw: JsonObject): Identity {
  const who = `user ${JSON.stringify(user.name)}`;
  if (raw['auth-provider']) {
    throw invalid(
      `${who} sets auth-provider, which is not supported: use exec, tokenFile or token`,
    );
  }
  const token = textOf(user.token);
  const tokenFile = textOf(raw['tokenFile']);
  const cert = pemOf(folder, user.certData, user.certFile);
  const key = pemOf(folder, user.keyData, user.keyFile);
  const identity: Identity = {
    ...(token !== undefined && { token }),
    ...(tokenFile !== undefined && { tokenFile: absolute(folder, tokenFile) }),
    ...(cert !== undefined && key !== undefined && { certificate: { cert, key } }),
    ...(isObject(raw['exec']) && { exec: { ...user, exec: execOf(folder, raw['exec'], who) } }),
  };
  if (Object.keys(identity).length > 0) return identity;
  throw invalid(
    `${who} has no credentials: add a token, tokenFile, exec, or a client certificate with its key`,
  );
}

function execOf(folder: string, exec: JsonObject, who: string): JsonObject {
  const command = textOf(exec['command']);
  if (command === undefined) throw invalid(`exec of ${who} has no command: set it`);
  if (exec['interactiveMode'] === 'Always') {
    throw invalid(
      `exec of ${who} needs a terminal (interactiveMode: Always), and a worker has none: use other credentials`,
    );
  }
  // As in kubectl: a bare name is looked up on PATH, a path is relative to the kubeconfig.
  return { ...exec, command: command.includes('/') ? absolute(folder, command) : command };
}

function impersonationOf(raw: JsonObject): Access['impersonate'] {
  if (raw['as-user-extra']) throw invalid('as-user-extra is not supported: remove it');
  const [user, uid, groups] = [textOf(raw['as']), textOf(raw['as-uid']), raw['as-groups']];
  return {
    ...(user !== undefined && { 'impersonate-user': user }),
    ...(uid !== undefined && { 'impersonate-uid': uid }),
    ...(Array.isArray(groups) && { 'impersonate-group': groups.map(String) }),
  };
}

/** As in kubectl, the data takes precedence over the file. */
function pemOf(folder: string, data: unknown, file: unknown): Pem | undefined {
  const [encoded, path] = [textOf(data), textOf(file)];
  if (encoded !== undefined) return { text: Buffer.from(encoded, 'base64').toString() };
  return path === undefined ? undefined : { file: absolute(folder, path) };
}

function absolute(folder: string, path: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function invalid(problem: string): InvalidSetting {
  return new InvalidSetting('KUBECONFIG', problem);
}

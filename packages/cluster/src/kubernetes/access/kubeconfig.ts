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
 * Reads the current context of one or more kubeconfig files, as kubectl does: a file that is not
 * there is left out, and of two entries with one name the first counts.
 *
 * Only the parser of client-node is loaded: its KubeConfig class imports the whole generated API,
 * half a second and 80 MB, and refuses two entries with one name.
 *
 * @param paths value of KUBECONFIG
 * @throws {InvalidSetting} naming what is missing or not supported, never with a secret
 */
export function readKubeconfig(paths: string): Access {
  const files = paths.split(delimiter).filter((path) => path !== '');
  const found = files.filter((file) => existsSync(file));
  if (found.length === 0) throw wrong(`there is no file ${files.join(' nor ')}`);
  const configs = found.map(readFile);
  const current = configs.find((config) => config.current !== undefined)?.current;
  if (current === undefined) throw wrong(`${paths} has no current-context: set one`);
  const context = named('context', current, configs, (config) => config.contexts);
  const cluster = named('cluster', context.value.cluster, configs, (config) => config.clusters);
  const user = named('user', context.value.user, configs, (config) => config.users);
  return accessOf(context.value, cluster, user);
}

/** One file, and what client-node's parser leaves out of its users. */
interface Config {
  readonly folder: string;
  readonly current: string | undefined;
  readonly contexts: readonly Context[];
  readonly clusters: readonly Cluster[];
  readonly users: readonly User[];
  readonly rawUsers: readonly Json[];
}

function readFile(path: string): Config {
  const content = readTextFile('KUBECONFIG', path);
  try {
    const document = parseManifest(content);
    if (!isObject(document)) throw new Error('it is no kubeconfig');
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
    throw wrong(`${path}: ${messageOf(error)}`);
  }
}

interface Named<T> {
  readonly value: T;
  readonly config: Config;
}

function named<T extends { readonly name: string }>(
  kind: string,
  name: string | undefined,
  configs: readonly Config[],
  entries: (config: Config) => readonly T[],
): Named<T> {
  if (name === undefined) throw wrong(`the current context names no ${kind}: name one`);
  for (const config of configs) {
    const value = entries(config).find((entry) => entry.name === name);
    if (value !== undefined) return { value, config };
  }
  throw wrong(`there is no ${kind} ${JSON.stringify(name)}`);
}

function accessOf(context: Context, of: Named<Cluster>, user: Named<User>): Access {
  const { value: cluster, config } = of;
  if (!/^https?:/.test(cluster.server) || !URL.canParse(cluster.server)) {
    throw wrong(`the server of cluster ${JSON.stringify(cluster.name)} is no URL of https`);
  }
  if (textOf(cluster.proxyUrl) !== undefined) {
    throw wrong(`cluster ${JSON.stringify(cluster.name)} has a proxy-url, which is not supported`);
  }
  const raw = rawOf(user);
  return {
    server: cluster.server,
    namespace: textOf(context.namespace),
    inPod: false,
    ca: pemOf(config.folder, cluster.caData, cluster.caFile),
    servername: textOf(cluster.tlsServerName),
    insecure: cluster.skipTLSVerify,
    identity: identityOf(user, raw),
    impersonate: impersonation(raw),
  };
}

/** `tokenFile`, `as-groups` and `as-uid` are not known to client-node. */
function rawOf({ value, config }: Named<User>): JsonObject {
  const entry = config.rawUsers.find((each) => isObject(each) && each['name'] === value.name);
  const user = isObject(entry) ? entry['user'] : undefined;
  return isObject(user) ? user : {};
}

function identityOf({ value: user, config: { folder } }: Named<User>, raw: JsonObject): Identity {
  const who = `user ${JSON.stringify(user.name)}`;
  if (raw['auth-provider']) {
    throw wrong(
      `${who} has an auth-provider, which is not supported: use exec, tokenFile or token`,
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
  throw wrong(`${who} has no credential: give it a token, tokenFile, client certificate or exec`);
}

function execOf(folder: string, exec: JsonObject, who: string): JsonObject {
  const command = textOf(exec['command']);
  if (command === undefined) throw wrong(`exec of ${who} has no command`);
  if (exec['interactiveMode'] === 'Always') {
    throw wrong(
      `exec of ${who} wants a terminal (interactiveMode: Always): use another credential`,
    );
  }
  // As kubectl: a bare name is looked for on PATH, a path is one beside the kubeconfig.
  return { ...exec, command: command.includes('/') ? absolute(folder, command) : command };
}

function impersonation(raw: JsonObject): Access['impersonate'] {
  if (raw['as-user-extra']) throw wrong('as-user-extra is not supported: remove it');
  const [user, uid, groups] = [textOf(raw['as']), textOf(raw['as-uid']), raw['as-groups']];
  return {
    ...(user !== undefined && { 'impersonate-user': user }),
    ...(uid !== undefined && { 'impersonate-uid': uid }),
    ...(Array.isArray(groups) && { 'impersonate-group': groups.map(String) }),
  };
}

/** As kubectl: the data wins over the file. */
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

function wrong(problem: string): InvalidSetting {
  return new InvalidSetting('KUBECONFIG', problem);
}

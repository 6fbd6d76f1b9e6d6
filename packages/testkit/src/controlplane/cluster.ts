import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { issueClientCertificate } from './certificates.ts';
import { output } from './command.ts';
import { type Answer, at, type Request, requester } from './request.ts';

const TOKEN_SECONDS = 3600;

/** The identity of a client: a bearer token, or a user with groups, who gets a client certificate. */
export type Identity =
  | { readonly token: string }
  | { readonly user: string; readonly groups?: readonly string[] };

/** A running control plane, used as an administrator (group system:masters). */
export interface Cluster {
  /** The argument for `openCluster` in another process. */
  readonly folder: string;
  readonly url: string;
  readonly ca: string;
  readonly caFile: string;
  readonly adminKubeconfig: string;
  /** Sends a request as administrator. A string is sent as YAML, any other body as JSON. */
  readonly request: Request;
  /** Creates the namespace and its `default` ServiceAccount, which Pods need. */
  createNamespace(name?: string, labels?: Readonly<Record<string, string>>): Promise<string>;
  /** A bearer token of a ServiceAccount, which is created if missing. `seconds` is at least 600. */
  tokenFor(namespace: string, serviceAccount: string, seconds?: number): Promise<string>;
  /** Writes a kubeconfig for that client and returns its path. */
  kubeconfig(identity: Identity, namespace?: string): Promise<string>;
  /** Runs kubectl as administrator and returns what it prints. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
}

/** Opens the cluster that another process started, by its folder. */
export async function openCluster(folder: string): Promise<Cluster> {
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  const [url, ca] = await Promise.all([read('url'), read('ca.crt')]);
  const [cert, key] = await Promise.all([read('admin.crt'), read('admin.key')]);
  const request = requester(url, { ca, cert, key });
  const adminKubeconfig = join(folder, 'admin.kubeconfig');
  return {
    folder,
    url,
    ca,
    caFile: join(folder, 'ca.crt'),
    adminKubeconfig,
    request,
    createNamespace: (name, labels) => createNamespace(request, name, labels),
    tokenFor: (namespace, account, seconds = TOKEN_SECONDS) =>
      tokenFor(request, { namespace, account, seconds }),
    kubeconfig: (identity, namespace) =>
      writeKubeconfig(folder, `client-${randomName()}`, identity, namespace),
    kubectl: (args, input = '') =>
      output(
        join(folder, 'kubectl'),
        [
          `--kubeconfig=${adminKubeconfig}`,
          `--cache-dir=${join(folder, 'kubectl-cache')}`,
          ...args,
        ],
        { input },
      ),
  };
}

async function createNamespace(
  request: Request,
  name = `test-${randomName()}`,
  labels: Readonly<Record<string, string>> = {},
): Promise<string> {
  expectMade(await request('POST', '/api/v1/namespaces', { metadata: { name, labels } }));
  await createServiceAccount(request, name, 'default');
  return name;
}

interface TokenWish {
  readonly namespace: string;
  readonly account: string;
  readonly seconds: number;
}

async function tokenFor(request: Request, wish: TokenWish): Promise<string> {
  await createServiceAccount(request, wish.namespace, wish.account);
  const path = `/api/v1/namespaces/${wish.namespace}/serviceaccounts/${wish.account}/token`;
  const answer = await request('POST', path, { spec: { expirationSeconds: wish.seconds } });
  expectMade(answer);
  return String(at(answer.body, 'status', 'token'));
}

/** Ignores 409: the controller may have created the `default` one already. */
async function createServiceAccount(request: Request, namespace: string, name: string) {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  const answer = await request('POST', path, { metadata: { name } });
  if (answer.status !== 409) expectMade(answer);
}

/** Writes a self-contained kubeconfig as JSON, which is YAML. @returns its path */
export async function writeKubeconfig(
  folder: string,
  name: string,
  identity: Identity,
  namespace = 'default',
): Promise<string> {
  const [server, ca] = await Promise.all([
    readFile(join(folder, 'url'), 'utf8'),
    readFile(join(folder, 'ca.crt'), 'utf8'),
  ]);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace } }],
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: 'test', user: await credentials(folder, name, identity) }],
  };
  const path = join(folder, `${name}.kubeconfig`);
  await writeFile(path, JSON.stringify(config, null, 2), { mode: 0o600 });
  return path;
}

async function credentials(folder: string, name: string, identity: Identity) {
  if ('token' in identity) return { token: identity.token };
  const { user, groups = [] } = identity;
  const { certificate, key } = await issueClientCertificate(folder, name, user, groups);
  return { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) };
}

function expectMade(answer: Answer): void {
  if (answer.status === 201) return;
  throw new Error(`the API server answered ${answer.status}: ${JSON.stringify(answer.body)}`);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function randomName(): string {
  return randomBytes(5).toString('hex');
}

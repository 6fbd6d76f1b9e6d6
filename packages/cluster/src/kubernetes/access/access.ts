import type { User } from '@kubernetes/client-node/dist/config_types.js';

/** How to reach an API server and who to be there, as a kubeconfig or a pod's mount has it. */
export interface Access {
  /** Scheme, host, port, and a path where it is behind a proxy such as Rancher's. */
  readonly server: string;
  /** The pod's, or that of the kubeconfig's context. */
  readonly namespace: string | undefined;
  /** From a pod's mount: the namespace is OpenFero's own. */
  readonly inPod: boolean;
  /** Undefined: the authorities that Node knows. */
  readonly ca: Pem | undefined;
  readonly servername: string | undefined;
  /** The server may be anybody. */
  readonly insecure: boolean;
  readonly identity: Identity;
  readonly impersonate: Readonly<Record<string, string | string[]>>;
}

/** In the kubeconfig itself, or a file that may be replaced at any time. */
export type Pem = { readonly text: string } | { readonly file: string };

/** What proves who we are; each may also be there beside a client certificate. */
export interface Identity {
  readonly token?: string;
  /** Wins over `token`, as for kubectl. */
  readonly tokenFile?: string;
  readonly certificate?: { readonly cert: Pem; readonly key: Pem };
  /** A program that prints credentials. */
  readonly exec?: User;
}

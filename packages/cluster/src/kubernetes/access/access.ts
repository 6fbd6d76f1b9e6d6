import type { User } from '@kubernetes/client-node/dist/config_types.js';

/** How to reach an API server and as whom, from a kubeconfig or from the files mounted into a pod. */
export interface Access {
  /** Scheme, host, port, and a path where a proxy such as Rancher's serves it. */
  readonly server: string;
  /** The namespace of the pod, or of the kubeconfig's context. */
  readonly namespace: string | undefined;
  /** From the files of a pod: the namespace is OpenFero's own. */
  readonly inPod: boolean;
  /** Undefined: the certificate authorities that Node.js trusts. */
  readonly ca: Pem | undefined;
  readonly servername: string | undefined;
  /** The server's certificate is not verified. */
  readonly insecure: boolean;
  readonly identity: Identity;
  /** Headers. */
  readonly impersonate: Readonly<Record<string, string | string[]>>;
}

/** Text in the kubeconfig itself, or a file that may be replaced at any time. */
export type Pem = { readonly text: string } | { readonly file: string };

/** The worker's credentials. A client certificate may be used together with one of the others. */
export interface Identity {
  readonly token?: string;
  /** Takes precedence over `token`, as in kubectl. */
  readonly tokenFile?: string;
  readonly certificate?: { readonly cert: Pem; readonly key: Pem };
  /** A program that prints credentials. */
  readonly exec?: User;
}

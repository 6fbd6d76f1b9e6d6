import assert from 'node:assert/strict';
import { at, type Cluster } from '@openfero/testkit/controlplane';

/** All rights of a worker, in the namespace of the operarii and Jobs. It has none elsewhere. */
export const WORKER_RIGHTS: readonly string[] = [
  'configmaps: list,watch',
  'events: create,patch',
  'events: list',
  'jobs.batch: create,get,list,watch',
  'namespaces: get',
];

/**
 * The rights of a client in a namespace, as `kubectl auth can-i --list` shows them: `jobs: create,get`,
 * sorted. Without the rights of every ServiceAccount.
 *
 * @param kubeconfig of the client
 */
export async function rightsOf(
  plane: Cluster,
  kubeconfig: string,
  namespace: string,
): Promise<readonly string[]> {
  const anybody = await plane.kubeconfig({ token: await plane.tokenFor('default', 'anybody') });
  const [own, common] = await Promise.all(
    [kubeconfig, anybody].map((each) => rulesOf(plane, each, namespace)),
  );
  return (own ?? []).filter((rule) => !common?.includes(rule)).sort();
}

async function rulesOf(plane: Cluster, kubeconfig: string, namespace: string): Promise<string[]> {
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectRulesReview',
    spec: { namespace },
  };
  const args = ['create', '-f', '-', '-o', 'json', '--validate=false'];
  const answer = await plane.kubectl(
    [...args, `--kubeconfig=${kubeconfig}`],
    JSON.stringify(review),
  );
  const status = at(JSON.parse(answer), 'status');
  assert.equal(at(status, 'incomplete'), false);
  const [rules, urls] = [at(status, 'resourceRules'), at(status, 'nonResourceRules')];
  assert.ok(Array.isArray(rules) && Array.isArray(urls));
  return [...rules, ...urls].map(textOf);
}

/** A rule with all its fields, so that none of them is compared away. */
function textOf(rule: unknown): string {
  const list = (field: string): string => {
    const values = at(rule, field);
    return Array.isArray(values) ? values.map(String).sort().join() : '';
  };
  const names = list('resourceNames');
  const what = list('nonResourceURLs') || `${list('resources')}${names && ` named ${names}`}`;
  const groups = list('apiGroups');
  return `${what}${groups && `.${groups}`}: ${list('verbs')}`;
}

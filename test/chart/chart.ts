import { readFile } from 'node:fs/promises';
import { describe } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseManifests } from '@openfero/core/yaml';
import { at, type Cluster } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { CHART, type Helm, missingHelm, openHelm } from '@openfero/testkit/helm';

/** The namespace of the release in what `render` returns. */
const NAMESPACE = 'openfero';

/** The services of a release, as their objects are named. */
export const SERVICES = ['receiver', 'worker', 'dashboard'] as const;

export interface Chart {
  readonly helm: Helm;
  /** The objects that `helm template` renders for a release named openfero. */
  render(...args: readonly string[]): Promise<readonly unknown[]>;
}

/** `describe` with helm and the control plane. Skipped where one is missing, except in CI. */
export async function describeChart(
  name: string,
  tests: (chart: Chart, plane: Cluster) => void,
): Promise<void> {
  const skip = process.env['CI'] === 'true' ? undefined : await missingHelm();
  if (skip !== undefined) return describe(name, { skip });
  const helm = await openHelm();
  const render: Chart['render'] = async (...args) =>
    parseManifests(await helm('template', 'openfero', CHART, '--namespace', NAMESPACE, ...args));
  return describeOnControlPlane(name, (plane) => tests({ helm, render }, plane));
}

/** Options of helm for a file below the folder of the chart. */
export const valuesOf = (file: string): readonly string[] => ['--values', `${CHART}/${file}`];

/** The object of a kind and name. @throws if it was not rendered */
export function find(objects: readonly unknown[], kind: string, name: string): unknown {
  const found = objects.find(
    (one) => at(one, 'kind') === kind && at(one, 'metadata', 'name') === name,
  );
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

/** The variables of a service by name, as far as their values are in the Deployment. */
export function environmentOf(deployment: unknown): Record<string, string> {
  const variables = at(deployment, 'spec', 'template', 'spec', 'containers', 0, 'env');
  if (!Array.isArray(variables)) throw new Error('the container has no variables');
  return Object.fromEntries(
    variables.map((one) => [String(at(one, 'name')), String(at(one, 'value'))]),
  );
}

/** Creates the CRDs of KEDA, the Prometheus Operator and the Gateway API that the chart uses. */
export async function installCrds(plane: Cluster): Promise<void> {
  const folder = fileURLToPath(new URL('crds', import.meta.url));
  await plane.kubectl(['apply', '--server-side', '-f', folder]);
  await plane.kubectl(['wait', '--for=condition=Established', '-f', folder, '--timeout=30s']);
}

/** values.schema.json. */
export async function readSchema(): Promise<unknown> {
  return JSON.parse(await readFile(`${CHART}/values.schema.json`, 'utf8'));
}

/** The schema of the value at a path; undefined if there is no such value. */
export function schemaAt(schema: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => {
    const one = at(inner, 'properties', key);
    const reference = at(one, '$ref');
    return typeof reference === 'string' ? at(schema, ...reference.slice(2).split('/')) : one;
  }, schema);
}

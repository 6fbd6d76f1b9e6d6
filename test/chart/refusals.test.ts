import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { messageOf } from '@openfero/core/errors';
import { parseManifest } from '@openfero/core/yaml';
import { at } from '@openfero/testkit/controlplane';
import { CHART } from '@openfero/testkit/helm';
import { type Chart, describeChart, readSchema, schemaAt, valuesOf } from './chart.ts';

const OWN_REDIS = 'redis.bundled.enabled=false,redis.external.url=rediss://redis.example.com';

/** Wrong values as for `--set`, and what the error must name. */
const WRONG: readonly (readonly [values: string, named: RegExp])[] = [
  ['queuePrefix={x}', /'\/queuePrefix': got array, want string/],
  ['queuePrefix=a b', /'\/queuePrefix'/],
  ['recevier.replicas=3', /'recevier' not allowed/],
  ['worker.settings.cooldwon=5m', /'\/worker\/settings': additional properties 'cooldwon'/],
  ['receiver.podSecurityContext.runAsuser=1', /'runAsuser' not allowed/],
  ['redis.external.tls.ca.secretName=x', /'secretName' not allowed/],
  ['worker.settings.mode=sometimes', /'\/worker\/settings\/mode'/],
  ['worker.settings=null', /'\/worker': missing property 'settings'/],
  ['commonLabels=null', /missing property 'commonLabels'/],
  ['operarii.namespace={a,b}', /'\/operarii\/namespace': got array, want string/],
  ['operarii.namespaces={a,b}', /'namespaces' not allowed/],
  ['operarii.namespace=openfero', /operarii\.namespace is the namespace of the release/],
  ['redis.external.url=redis://redis.example.com', /redis\.bundled\.enabled is true, and redis\./],
  ['redis.external.cluster.nodes={a:1}', /redis\.bundled\.enabled is true, and redis\.external\.c/],
  [
    'redis.external.existingSecret.name=x',
    /redis\.bundled\.enabled is true, and redis\.external\.e/,
  ],
  [
    'redis.external.tls.enabled=true',
    /redis\.bundled\.enabled is true, and redis\.external\.tls is/,
  ],
  ['redis.bundled.enabled=false', /name your own Redis in redis\.external\.url/],
  [
    `${OWN_REDIS},redis.external.cluster.nodes={a:1}`,
    /redis\.external\.url and redis\.external\.c/,
  ],
  [
    'redis.bundled.enabled=false,redis.external.url=redis://u:hidden@h',
    /^(?!.*hidden).*redis\.external\.url contains a user or a password/s,
  ],
  [
    'redis.bundled.enabled=false,redis.external.sentinel.nodes={a:1}',
    /sentinel\.master is missing/,
  ],
  ['redis.bundled.enabled=false,redis.external.cluster.nodes={a}', /'\/redis\/external\/cluster/],
  [
    'redis.bundled.enabled=false,redis.external.cluster.nodes={a:1},queuePrefix=openfero',
    /queuePrefix openfero has no hash tag/,
  ],
  [
    'redis.bundled.enabled=false,redis.external.url=redis://h,redis.external.tls.ca.secret=x',
    /redis\.external\.tls has certificates, but TLS is off/,
  ],
  [
    `${OWN_REDIS},redis.external.sentinel.username=x`,
    /redis\.external\.sentinel\.nodes is missing/,
  ],
  ['redis.bundled.resources.limits.memory=1G', /'\/redis\/bundled\/resources\/limits\/memory'/],
  [
    'worker.autoscaling.enabled=true,worker.keda.enabled=true',
    /worker\.autoscaling\.enabled and worker\.keda\.enabled/,
  ],
  [
    'receiver.autoscaling.enabled=true,receiver.resources.requests.cpu=null',
    /receiver\.resources\.requests\.cpu is missing/,
  ],
  ['worker.serviceAccount.create=false', /worker\.serviceAccount\.name is missing/],
  ['worker.keda.minReplicaCount=0', /'\/worker\/keda\/minReplicaCount': minimum: got 0, want 1/],
  [
    'receiver.auth.existingSecret.name=x',
    /receiver\.auth\.type is none, although receiver\.auth has/,
  ],
  ['receiver.auth.type=bearer', /receiver\.auth\.existingSecret\.name is missing/],
  ['dashboard.settings.dashboardReadOnly=false', /dashboardReadOnly is false: set dashboard\.auth/],
  ['receiver.tls.clientCa.secret=x', /receiver\.tls\.clientCa needs TLS/],
  [
    'receiver.tls.secret=x,receiver.tls.clientCa.secret=y,monitoring.alertmanagerConfig.enabled=true',
    /monitoring\.alertmanagerConfig\.clientSecret is missing/,
  ],
  ['receiver.extraEnv[0].name=PORT', /receiver\.extraEnv has PORT, which the chart sets itself/],
  ['dashboard.settings.dashboardBasePath=openfero', /'\/dashboard\/settings\/dashboardBasePath'/],
  ['dashboard.settings.dashboardUserHeader=X-User', /dashboardTrustedProxies need each other/],
  ['dashboard.ingress.enabled=true', /dashboard\.ingress\.host is missing/],
  ['image.digest=abc', /'\/image\/digest'/],
];

await describeChart('helm template refuses', (chart) => {
  for (const [values, named] of WRONG) {
    it(`--set ${values}`, async () => {
      assert.match(await errorOf(chart, '--set', values), named);
    });
  }

  it('a cluster that is too old', async () => {
    assert.match(await errorOf(chart, '--kube-version', '1.26'), /kubeVersion: >=1\.27/);
  });

  it('keys that the schema does not know, at every level but `global`', async () => {
    const schema = await readSchema();
    const open = objectsIn(schema, '#').filter(
      ([path, object]) => at(object, 'additionalProperties') === undefined && path !== '#/global',
    );
    // What Kubernetes alone can check.
    assert.deepEqual(
      open.map(([path]) => path),
      ['#/$defs/kubernetes'],
    );
    const anything = objectsIn(schema, '#').filter(
      ([, object]) => at(object, 'additionalProperties') === true,
    );
    assert.deepEqual(anything, []);
  });

  it('a key that is left empty, although it has keys of its own', async () => {
    const schema = await readSchema();
    const values = parseManifest(await readFile(`${CHART}/values.yaml`, 'utf8'));
    // Empty, they leave it to Kubernetes.
    const mayBeEmpty = /(ecurityContext|resources|requests|limits|Profile|capabilities|labels)$/;
    const optional = mapsIn(values, []).filter((path) => {
      const parent = schemaAt(schema, path.slice(0, -1));
      const required = at(parent, 'required');
      return !(Array.isArray(required) && required.includes(path.at(-1)));
    });
    assert.deepEqual(
      optional.map((path) => path.join('.')).filter((path) => !mayBeEmpty.test(path)),
      [],
    );
  });

  it('not the values of a chart around it', async () => {
    await chart.render('--set', 'global.imageRegistry=registry.example.com');
  });

  it('not large numbers, which it writes out', async () => {
    const objects = await chart.render(...valuesOf('ci/full-values.yaml'));
    assert.match(JSON.stringify(objects), /"OPENFERO_MAX_WAITING","value":"1000000"/);
  });
});

async function errorOf(chart: Chart, ...args: string[]): Promise<string> {
  const result = await chart.render(...args).catch((error) => messageOf(error));
  assert.ok(typeof result === 'string', 'helm accepts it');
  return result;
}

/** All schemas of objects below one, with the names of the values that lead to them. */
function objectsIn(schema: unknown, path: string): [string, unknown][] {
  if (typeof schema !== 'object' || schema === null) return [];
  const own: [string, unknown][] = at(schema, 'type') === 'object' ? [[path, schema]] : [];
  const inner = Object.entries(schema).flatMap(([key, value]) => {
    const isStructure = key === 'properties' || key === 'items' || key === 'anyOf';
    return objectsIn(value, isStructure ? path : `${path}/${key}`);
  });
  return [...own, ...inner];
}

/** The paths of the values that have keys of their own. */
function mapsIn(values: unknown, path: readonly string[]): (readonly string[])[] {
  return Object.entries(Object(values)).flatMap(([key, value]) => {
    const isMap = typeof value === 'object' && !Array.isArray(value);
    if (!isMap || Object.keys(Object(value)).length === 0) return [];
    return [[...path, key], ...mapsIn(value, [...path, key])];
  });
}

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseManifest, parseManifests } from '@openfero/core/yaml';
import { at } from '@openfero/testkit/controlplane';
import { CHART } from '@openfero/testkit/helm';
import { describeChart, find, SERVICES, valuesOf } from './chart.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DASHBOARD = 'deploy/grafana/openfero.json';
const RULES = 'deploy/prometheus/openfero.rules.yml';

await describeChart('the chart and the rest of the repository', (chart, plane) => {
  it('deploys the pods of deploy/kubernetes, with the same rights', async () => {
    const manifests = await plane.kubectl(['kustomize', `${ROOT}/deploy/kubernetes`]);
    const [ours, theirs] = [await chart.render(), parseManifests(manifests)];
    for (const name of SERVICES.map((service) => `openfero-${service}`)) {
      assert.deepEqual(
        podOf(find(ours, 'Deployment', name)),
        podOf(find(theirs, 'Deployment', name)),
        name,
      );
    }
    const redis = podOf(find(ours, 'StatefulSet', 'openfero-redis'));
    assert.deepEqual(redis, podOf(find(theirs, 'StatefulSet', 'redis')));
    const role = (objects: readonly unknown[]): unknown =>
      at(find(objects, 'Role', 'openfero-worker'), 'rules');
    assert.deepEqual(role(ours), role(theirs));
    const approving = await chart.render('--set', 'rbac.approval=true');
    assert.match(JSON.stringify(role(approving)), /"list","watch","patch","delete","approve"/);
    const names = (objects: readonly unknown[], kind: string): string[] =>
      objects
        .filter((one) => at(one, 'kind') === kind)
        .map((one) => String(at(one, 'metadata', 'name')))
        .sort();
    for (const kind of ['PodDisruptionBudget', 'ServiceAccount', 'Role', 'RoleBinding']) {
      assert.deepEqual(names(ours, kind), names(theirs, kind), kind);
    }
  });

  it(`contains ${DASHBOARD}, as the sidecar of Grafana finds it`, async () => {
    const dashboard = await readFile(`${ROOT}/${DASHBOARD}`, 'utf8');
    const copy = await readFile(`${CHART}/files/openfero.grafana.json`, 'utf8');
    assert.equal(copy, dashboard, `copy ${DASHBOARD} to deploy/helm/openfero/files`);
    assert.doesNotMatch(JSON.stringify(await chart.render()), /grafana_dashboard/);
    const objects = await chart.render('--set=monitoring.grafanaDashboard.enabled=true');
    const configMap = find(objects, 'ConfigMap', 'openfero-grafana');
    assert.equal(at(configMap, 'metadata', 'labels', 'grafana_dashboard'), '1');
    const rendered = String(at(configMap, 'data', 'openfero.json'));
    assert.deepEqual(JSON.parse(rendered), JSON.parse(dashboard));
  });

  it(`contains ${RULES}, with a switch for each alert`, async () => {
    const rules = await readFile(`${ROOT}/${RULES}`, 'utf8');
    const copy = await readFile(`${CHART}/files/openfero.rules.yml`, 'utf8');
    assert.equal(copy, rules, `copy ${RULES} to deploy/helm/openfero/files`);
    const values = parseManifest(await readFile(`${CHART}/values.yaml`, 'utf8'));
    const switches = Object(at(values, 'monitoring', 'prometheusRule', 'alerts'));
    assert.deepEqual(Object.keys(switches).sort(), alertsIn(parseManifest(rules)).sort());

    const objects = await chart.render(...valuesOf('ci/full-values.yaml'));
    const rendered = alertsIn(at(find(objects, 'PrometheusRule', 'openfero'), 'spec'));
    assert.deepEqual(
      Object.keys(switches).filter((name) => !rendered.includes(name)),
      ['OpenFeroRemediationsHeld'],
    );
  });

  it('has all metrics of docs/monitoring.md scraped, and opens the network to Prometheus for them', async () => {
    const page = await readFile(`${ROOT}/docs/monitoring.md`, 'utf8');
    const named = [...page.matchAll(/^\| `openfero_.*?` +\| ([a-z, ]+?) +\|/gm)];
    const services = new Set(named.flatMap(([, of = '']) => (of === 'all' ? [] : of.split(', '))));
    assert.deepEqual([...services].sort(), [...SERVICES].sort());

    const prometheus = { podSelector: { matchLabels: { is: 'prometheus' } } };
    const objects = await chart.render(
      '--set=monitoring.podMonitor.enabled=true',
      `--set-json=networkPolicy.prometheus=${JSON.stringify([prometheus])}`,
    );
    const manifests = parseManifests(
      await plane.kubectl(['kustomize', `${ROOT}/deploy/kubernetes`]),
    );
    const compose = await readFile(`${ROOT}/deploy/prometheus/prometheus.yml`, 'utf8');
    for (const service of services) {
      const name = `openfero-${service}`;
      const monitor = at(find(objects, 'PodMonitor', name), 'spec');
      const scraped = at(monitor, 'podMetricsEndpoints', 0, 'port');
      const deployment = find(objects, 'Deployment', name);
      assert.deepEqual(at(monitor, 'selector'), at(deployment, 'spec', 'selector'));
      const { ports } = Object(at(deployment, 'spec', 'template', 'spec', 'containers', 0));
      const { containerPort: port } = ports.find((one: object) => at(one, 'name') === scraped);
      const rulesIn = (all: readonly unknown[]): object[] =>
        Object(at(find(all, 'NetworkPolicy', name), 'spec', 'ingress'));
      const isOpened = (rule: object): boolean => at(rule, 'ports', 0, 'port') === port;
      const allowed = Object(at(rulesIn(objects).find(isOpened), 'from'));
      assert.deepEqual(allowed.at(-1), prometheus, name);
      assert.ok(rulesIn(manifests).some(isOpened), name);
      assert.match(compose, new RegExp(`"${service}:\\d+"`));
    }
    // Whoever reads the metrics of the dashboard reaches none of its pages.
    const pages = find(objects, 'NetworkPolicy', 'openfero-dashboard');
    assert.doesNotMatch(JSON.stringify(pages), /8082/);
  });

  it('has pods with the labels by which docs/operating.md selects them, as the manifests have', async () => {
    const page = await readFile(`${ROOT}/docs/operating.md`, 'utf8');
    const used = [...page.matchAll(/-n openfero (?!rollout).*-l (\S+)/g)].map(([, label]) => label);
    assert.ok(used.length > 5);
    const manifests = await plane.kubectl(['kustomize', `${ROOT}/deploy/kubernetes`]);
    for (const objects of [await chart.render(), parseManifests(manifests)]) {
      const pods = objects.map((one) =>
        Object.entries(at(one, 'spec', 'template', 'metadata', 'labels') ?? {}),
      );
      const known = new Set(pods.flat().flatMap((label) => [label[0], label.join('=')]));
      assert.deepEqual(
        used.filter((label = '') => !known.has(label)),
        [],
      );
    }
  });

  it('has the version of the package, with which docs/operating.md tags the image', async () => {
    const { version } = JSON.parse(await readFile(`${ROOT}/package.json`, 'utf8'));
    const chartFile = Object(parseManifest(await readFile(`${CHART}/Chart.yaml`, 'utf8')));
    assert.equal(chartFile.appVersion, version);
    // A release publishes both under one tag.
    assert.equal(chartFile.version, version);
    const page = await readFile(`${ROOT}/docs/operating.md`, 'utf8');
    assert.ok(page.includes(`docker push registry.example.com/platform/openfero:${version}\n`));
  });

  it('changes the security context of one service without changing the others', async () => {
    const set = '--set=receiver.podSecurityContext.seccompProfile.type=Unconfined';
    const objects = await chart.render(set);
    const profiles = SERVICES.map((service) => {
      const deployment = find(objects, 'Deployment', `openfero-${service}`);
      const path = ['template', 'spec', 'securityContext', 'seccompProfile', 'type'];
      return at(deployment, 'spec', ...path);
    });
    assert.deepEqual(profiles, ['Unconfined', 'RuntimeDefault', 'RuntimeDefault']);
  });

  it('leaves a spread constraint that has its own selector as it is', async () => {
    const own = {
      maxSkew: 1,
      topologyKey: 'zone',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { team: 'platform' } },
    };
    const other = { ...own, labelSelector: undefined };
    const set = `worker.topologySpreadConstraints=${JSON.stringify([own, other])}`;
    const objects = await chart.render('--set-json', set);
    const path = ['spec', 'template', 'spec', 'topologySpreadConstraints'];
    const constraints = at(find(objects, 'Deployment', 'openfero-worker'), ...path);
    assert.deepEqual(at(constraints, 0), own);
    const selector = at(constraints, 1, 'labelSelector', 'matchLabels');
    assert.equal(at(selector, 'app.kubernetes.io/component'), 'worker');
    assert.equal(at(selector, 'team'), undefined);
  });

  it('lets no label of the values change what its selectors find', async () => {
    const name = 'app\\.kubernetes\\.io/name=other';
    const objects = await chart.render(
      ...['receiver.podLabels', 'redis.bundled.podLabels', 'commonLabels'].flatMap((labels) => [
        '--set',
        `${labels}.${name}`,
      ]),
    );
    assert.doesNotMatch(JSON.stringify(objects), /"other"/);
  });

  it('names no Service with a dot or with more than 63 characters', async () => {
    const release = `a.b-${'c'.repeat(49)}`;
    const text = await chart.helm('template', release, CHART);
    const names = parseManifests(text).map((one) => String(at(one, 'metadata', 'name')));
    for (const name of names) assert.match(name, /^[a-z][-a-z0-9]{0,62}$/);
  });

  it('limits the memory of its Redis to 75 % of the limit of the container', async () => {
    for (const [limit, bytes] of [
      ['640Mi', 503_316_480],
      ['2Gi', 1_610_612_736],
    ]) {
      const objects = await chart.render(`--set=redis.bundled.resources.limits.memory=${limit}`);
      const redis = find(objects, 'StatefulSet', 'openfero-redis');
      const script = at(redis, 'spec', 'template', 'spec', 'containers', 0, 'args', 0);
      assert.match(String(script), new RegExp(`^maxmemory ${bytes}$`, 'm'));
    }
  });
});

function alertsIn(spec: unknown): string[] {
  const groups = at(spec, 'groups');
  if (!Array.isArray(groups)) return [];
  return groups.flatMap((group) => Object(at(group, 'rules'))).map((rule) => rule.alert);
}

/** What matters of the pod of a workload: not its names, image and labels, nor how it gets its files. */
function podOf(workload: unknown): unknown {
  const {
    volumes: _,
    topologySpreadConstraints,
    ...spec
  } = Object(at(workload, 'spec', 'template', 'spec'));
  const { image: __, imagePullPolicy: ___, args, env, ...container } = spec.containers[0];
  const spread = (topologySpreadConstraints ?? []).map(
    ({ labelSelector: ____, ...constraint }: Record<string, unknown>) => constraint,
  );
  return {
    ...spec,
    spread,
    containers: [
      {
        ...container,
        args: args.map(normalized),
        env: env.filter(isInBoth).map(withNormalizedValue).sort(byName),
      },
    ],
  };
}

/** The chart names its Redis after the release and computes its limit of memory. */
function normalized(text: string): string {
  return text
    .replace('//openfero-redis.openfero.svc', '//redis')
    .replace(/maxmemory \w+/, 'maxmemory');
}

interface Variable {
  readonly name: string;
  readonly value?: string;
}

function withNormalizedValue({ value, ...variable }: Variable): object {
  return { ...variable, ...(value !== undefined && { value: normalized(value) }) };
}

function byName(a: Variable, b: Variable): number {
  return a.name < b.name ? -1 : 1;
}

/** deploy/kubernetes leaves the others at their defaults. */
function isInBoth({ name }: Variable): boolean {
  return !['OPENFERO_QUEUE_PREFIX', 'LOG_LEVEL'].includes(name);
}

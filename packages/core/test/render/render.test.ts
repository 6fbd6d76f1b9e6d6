import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jobName } from '../../src/identity/job-name.ts';
import { troubleOf } from '../../src/identity/trouble.ts';
import type { JsonObject } from '../../src/kubernetes.ts';
import { InvalidOperarius, type Operarius } from '../../src/operarius/operarius.ts';
import type { Remediation } from '../../src/redis/remediation.ts';
import { type Rendered, type RenderInput, render } from '../../src/render/render.ts';
import {
  at,
  exampleRemediation,
  exampleTemplate,
  hostileName,
  hostileRemediation,
  hostileText,
  objectAt,
  operarius,
  remediation,
} from '../remediations.ts';

type Settings = Partial<Omit<RenderInput, 'operarius' | 'remediation'>>;

function rendered(of: Operarius, one: Remediation, settings: Settings = {}): Rendered {
  return render({
    operarius: of,
    remediation: one,
    identity: { ...troubleOf(one, of), n: 0 },
    namespace: 'jobs',
    ttlSeconds: 3600,
    deadlineSeconds: 1800,
    ownServiceAccount: undefined,
    ...settings,
  });
}

const jobOf = (template: JsonObject, settings: Settings = {}): JsonObject =>
  rendered(operarius(template), exampleRemediation(), settings).job;

/** The example's template with other fields in its metadata, its spec, and its pod's spec. */
function template(
  metadata: JsonObject,
  spec: JsonObject = {},
  podSpec: JsonObject = {},
): JsonObject {
  const template = exampleTemplate();
  Object.assign(objectAt(template, 'metadata'), metadata);
  Object.assign(objectAt(template, 'spec'), spec);
  Object.assign(objectAt(template, 'spec', 'template', 'spec'), podSpec);
  return template;
}

function refuses(of: JsonObject, message: RegExp, settings: Settings = {}): void {
  assert.throws(
    () => jobOf(of, settings),
    (error) => {
      assert.ok(error instanceof InvalidOperarius, String(error));
      assert.match(error.message, message);
      assert.match(error.message, /^ConfigMap operarii\/openfero-kubequotaalmostfull-firing: .+$/);
      return true;
    },
  );
}

test("the example's alert and ConfigMap lead to the example's Job", () => {
  const before = exampleTemplate();
  const of = operarius();
  const { job, warnings } = rendered(of, exampleRemediation());
  assert.deepEqual(of.template, before, 'the template is not changed');
  assert.deepEqual(warnings, []);
  const ours = {
    'app.kubernetes.io/managed-by': 'openfero',
    'openfero.io/operarius': 'openfero-kubequotaalmostfull-firing',
    'openfero.io/status': 'firing',
    'openfero.io/fingerprint': exampleRemediation().alert.fingerprint,
    'openfero.io/group-key': at(job, 'metadata', 'labels', 'openfero.io/group-key'),
  };
  const { troubleKey, episode } = troubleOf(exampleRemediation(), of);
  const env = at(job, 'spec', 'template', 'spec', 'containers', 0, 'env');
  assert.deepEqual(job, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName('openfero-kubequotaalmostfull-firing', { troubleKey, episode, n: 0 }),
      namespace: 'jobs',
      labels: { app: 'openfero', ...ours },
      annotations: {
        'openfero.io/remediation': '4f9f5a5e-7a2b-4b5e-9d55-0c6f3f0a2b11',
        'openfero.io/alertname': 'KubeQuotaAlmostFull',
        'openfero.io/starts-at': '2021-10-25T12:01:24.29524738Z',
        'openfero.io/dedup-key': `${troubleKey}/2021-10-25T12:01:24.295247380Z/0`,
        'openfero.io/definition': '0123456789',
      },
    },
    spec: {
      parallelism: 1,
      completions: 1,
      ttlSecondsAfterFinished: 3600,
      activeDeadlineSeconds: 1800,
      template: {
        metadata: { labels: ours },
        labels: { app: 'openfero' },
        spec: {
          containers: [
            {
              name: 'python-job',
              image: 'ubuntu:latest',
              args: ['bash', '-c', 'echo "Hallo Welt"'],
              env,
            },
          ],
          imagePullPolicy: 'Always',
          restartPolicy: 'Never',
        },
      },
    },
  });
  assert.deepEqual(Object.keys(job), ['apiVersion', 'kind', 'metadata', 'spec']);
  assert.deepEqual(Object.keys(objectAt(job, 'spec', 'template')), ['metadata', 'spec', 'labels']);
  assert.deepEqual(at(env, 0), { name: 'OPENFERO_ALERTNAME', value: 'KubeQuotaAlmostFull' });
  assert.deepEqual(at(env, 12), { name: 'OPENFERO_ZONE', value: 'internal' });
});

test('labels and annotations of the template are kept, unless OpenFero sets them', () => {
  const metadata = {
    labels: { team: 'a', 'openfero.io/status': 'lie' },
    annotations: { note: 'b', 'openfero.io/dedup-key': 'lie' },
    generateName: 'other-',
    finalizers: ['x/y'],
  };
  const pod = {
    metadata: { labels: { team: 'c', 'openfero.io/operarius': 'lie' }, annotations: { d: 'e' } },
  };
  const of = template(metadata);
  Object.assign(objectAt(of, 'spec', 'template'), pod);
  const job = jobOf(of);
  assert.equal(at(job, 'metadata', 'labels', 'team'), 'a');
  assert.equal(at(job, 'metadata', 'labels', 'openfero.io/status'), 'firing');
  assert.equal(at(job, 'metadata', 'annotations', 'note'), 'b');
  assert.notEqual(at(job, 'metadata', 'annotations', 'openfero.io/dedup-key'), 'lie');
  assert.deepEqual(at(job, 'metadata', 'finalizers'), ['x/y']);
  assert.ok(!('generateName' in Object(at(job, 'metadata'))));
  assert.equal(at(job, 'spec', 'template', 'metadata', 'labels', 'team'), 'c');
  assert.notEqual(
    at(job, 'spec', 'template', 'metadata', 'labels', 'openfero.io/operarius'),
    'lie',
  );
  assert.deepEqual(at(job, 'spec', 'template', 'metadata', 'annotations'), { d: 'e' });
});

test('other fields of the template are sent to the API server unchanged', () => {
  const spec = {
    manualSelector: true,
    selector: { matchLabels: { a: 'b' } },
    suspend: 'x',
    backoffLimit: 4,
  };
  const job = jobOf({ ...template({}, spec), status: { active: 1 } });
  for (const [field, value] of Object.entries(spec))
    assert.deepEqual(at(job, 'spec', field), value);
  assert.deepEqual(at(job, 'status'), { active: 1 });
});

test('the namespace of the template may be left out or be that of the Jobs', () => {
  assert.equal(at(jobOf(template({ namespace: 'jobs' })), 'metadata', 'namespace'), 'jobs');
  assert.equal(at(jobOf(template({ namespace: null })), 'metadata', 'namespace'), 'jobs');
  refuses(template({ namespace: 'kube-system' }), /metadata\.namespace is "kube-system".*"jobs"/);
  refuses(template({ namespace: 5 }), /metadata\.namespace is 5/);
});

test('a Job that waits for a person is refused where other software would release it', () => {
  const asks = { answerBy: Date.UTC(2026, 10, 22) };
  const ofKueue = template({ labels: { 'kueue.x-k8s.io/queue-name': 'q' } });
  const ofOthers = template({}, { managedBy: 'example.com/other' });
  refuses(ofKueue, /the label kueue\.x-k8s\.io\/queue-name lets Kueue do it/, asks);
  refuses(ofOthers, /spec\.managedBy is "example\.com\/other"/, asks);
  for (const one of [ofKueue, ofOthers]) assert.ok(jobOf(one), 'it may run at once');
  assert.equal(at(jobOf(template({}), asks), 'spec', 'suspend'), true);
});

test('a lifetime that the template sets is kept, one under 300 s is raised with a warning', () => {
  const ttlOf = (spec: JsonObject, settings: Settings = {}): readonly unknown[] => {
    const { job, warnings } = rendered(
      operarius(template({}, spec)),
      exampleRemediation(),
      settings,
    );
    return [job.spec['ttlSecondsAfterFinished'], warnings.length];
  };
  assert.deepEqual(ttlOf({ ttlSecondsAfterFinished: 7200 }), [7200, 0]);
  assert.deepEqual(ttlOf({ ttlSecondsAfterFinished: 300 }), [300, 0]);
  assert.deepEqual(ttlOf({ ttlSecondsAfterFinished: 299 }), [300, 1]);
  assert.deepEqual(ttlOf({ ttlSecondsAfterFinished: 0 }), [300, 1]);
  assert.deepEqual(
    ttlOf({ ttlSecondsAfterFinished: '60' }),
    ['60', 0],
    'the API server refuses it',
  );
  assert.deepEqual(ttlOf({ ttlSecondsAfterFinished: null }), [3600, 0]);
  assert.deepEqual(ttlOf({}, { ttlSeconds: 60 }), [300, 1]);
  assert.deepEqual(ttlOf({}, { ttlSeconds: 0 }), [undefined, 0]);
});

test('a deadline that the template sets is kept', () => {
  const deadlineOf = (spec: JsonObject, settings: Settings = {}): unknown =>
    Object(at(jobOf(template({}, spec), settings), 'spec')).activeDeadlineSeconds;
  assert.equal(deadlineOf({ activeDeadlineSeconds: 5 }), 5);
  assert.equal(deadlineOf({ activeDeadlineSeconds: null }), 1800);
  assert.equal(deadlineOf({}, { deadlineSeconds: 0 }), undefined);
});

test("a template that names the worker's own ServiceAccount is refused", () => {
  const own = { ownServiceAccount: 'worker' };
  refuses(
    template({}, {}, { serviceAccountName: 'worker' }),
    /serviceAccountName is "worker"/,
    own,
  );
  refuses(template({}, {}, { serviceAccount: 'worker' }), /serviceAccount is "worker"/, own);
  assert.ok(jobOf(template({}, {}, { serviceAccountName: 'other' }), own));
  assert.ok(jobOf(template({}, {}, { serviceAccountName: 'worker' })));
});

test('a malformed template is refused with one line that names the place', () => {
  refuses({}, /: spec is missing: expected an object$/);
  refuses({ spec: 'x' }, /: spec is "x": expected an object$/);
  refuses({ spec: { template: [] } }, /: spec\.template is \[\]: expected an object$/);
  refuses({ spec: { template: {} } }, /: spec\.template\.spec is missing: expected an object$/);
  refuses({ ...exampleTemplate(), metadata: 'x' }, /: metadata is "x": expected an object$/);
  refuses(
    template({ labels: { a: 1 } }),
    /: metadata\.labels: "a" is 1, not a string: put it in quotes$/,
  );
  refuses(template({ annotations: { 'a\nb': null } }), /: metadata\.annotations: "a\\nb" is null/);
  refuses(template({ name: 5 }), /: metadata\.name is 5, not a string/);
  refuses(template({ generateName: ['x'.repeat(1e6)] }), /: metadata\.generateName is .{1,95}$/);
  refuses(template({}, {}, { containers: [{ env: {} }] }), /containers\[0\]\.env is not a list$/);
  const pod = template({});
  Object.assign(objectAt(pod, 'spec', 'template'), { metadata: { labels: { yes: true } } });
  refuses(pod, /: spec\.template\.metadata\.labels: "yes" is true, not a string/);
});

test('a Job records that its alert was cut', () => {
  const { warnings } = rendered(operarius(), remediation({ labels: { a: 'x'.repeat(40_000) } }));
  assert.deepEqual(warnings, [
    'the alert is too large: 2 variables were cut or left out, see OPENFERO_META_TRUNCATED of the Job',
  ]);
});

/** The API server's rules, of apimachinery's validation. */
const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

test('property: every name and label value is legal, annotations are short, NUL never appears', () => {
  fc.assert(
    fc.property(hostileRemediation, hostileText, (one, name) => {
      const { job } = rendered(operarius(template({ name })), one);
      assert.match(job.metadata.name, DNS_LABEL);
      const podLabels = at(job, 'spec', 'template', 'metadata', 'labels');
      for (const value of Object.values({ ...job.metadata.labels, ...Object(podLabels) })) {
        assert.match(String(value), LABEL_VALUE);
      }
      for (const text of Object.values(job.metadata.annotations)) {
        assert.ok(Buffer.byteLength(text) <= 1024);
        assert.ok(text.isWellFormed() && !text.includes('\0'));
      }
      const sent = JSON.stringify(at(job, 'spec', 'template', 'spec', 'containers', 0, 'env'));
      for (const { value } of JSON.parse(sent)) assert.ok(!value.includes('\0'));
    }),
    { numRuns: 300 },
  );
});

test('property: no label or annotation text changes anything but metadata and values of variables', () => {
  const names = fc.uniqueArray(hostileName, { maxLength: 6 });
  const texts = fc.array(hostileText, { minLength: 12, maxLength: 12 });
  const filled = (keys: readonly string[], values: readonly string[]): Record<string, string> =>
    Object.fromEntries(keys.map((key, i) => [key, values[i] ?? '']));
  fc.assert(
    fc.property(names, texts, texts, (keys, a, b) => {
      const stripped = (values: readonly string[]): unknown => {
        const labels = filled(keys, values);
        const annotations = filled(keys, values.slice(6));
        const { job } = rendered(operarius(), remediation({ labels, annotations }));
        return withoutText(job);
      };
      assert.deepEqual(stripped(a), stripped(b));
    }),
    { numRuns: 200 },
  );
});

/** The Job without metadata and without the values of its variables. */
function withoutText(job: JsonObject): unknown {
  const copy = structuredClone(job);
  Reflect.deleteProperty(copy, 'metadata');
  Reflect.deleteProperty(Object(at(copy, 'spec', 'template')), 'metadata');
  const env = at(copy, 'spec', 'template', 'spec', 'containers', 0, 'env');
  assert.ok(Array.isArray(env) && env.length > 0);
  for (const variable of env) Reflect.deleteProperty(Object(variable), 'value');
  return copy;
}

test('property: every Job whose template is under 512 KiB stays under 1 MiB as JSON', () => {
  const character = fc.constantFrom('x', '"', '\u0001', '$', '😀', '\\');
  const text = fc
    .tuple(character, fc.integer({ min: 0, max: 60_000 }))
    .map(([one, count]) => one.repeat(count));
  const texts = fc.array(text, { maxLength: 15 }).map((all) => Object.fromEntries(all.entries()));
  fc.assert(
    fc.property(texts, text, fc.integer({ min: 1, max: 100 }), (labels, around, count) => {
      const image = 'i'.repeat(Math.floor(510_000 / count));
      const of = template({}, {}, { containers: Array(count).fill({ name: 'c', image }) });
      assert.ok(JSON.stringify(of).length < 512 * 1024);
      const one = remediation({
        labels: { ...labels, alertname: around },
        annotations: labels,
        generatorURL: around,
        fingerprint: around,
      });
      const group = { key: around, status: 'firing', externalURL: around };
      const { job } = rendered(operarius(of), { ...one, group });
      assert.ok(Buffer.byteLength(JSON.stringify(job)) < 1024 * 1024);
    }),
    { numRuns: 15 },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InvalidOperarius } from '../../src/operarius/operarius.ts';
import { JOB_BUDGET } from '../../src/render/budget.ts';
import { environment, withEnvironment } from '../../src/render/environment.ts';
import { VALUE_LIMIT } from '../../src/render/spelling.ts';
import {
  at,
  exampleRemediation,
  expanded,
  hostileRemediation,
  hostileText,
  hostileTexts,
  objectAt,
  read,
  remediation,
  tellable,
} from '../remediations.ts';

const ONE = [new Set<string>()];
const ALWAYS = [
  'OPENFERO_META_STATUS',
  'OPENFERO_META_FINGERPRINT',
  'OPENFERO_META_STARTS_AT',
  'OPENFERO_META_GENERATOR_URL',
  'OPENFERO_META_EXTERNAL_URL',
  'OPENFERO_META_GROUP_KEY',
];

const namesOf = (labels: Record<string, string>, annotations = {}): readonly string[] =>
  environment(remediation({ labels, annotations }), ONE).variables.map(({ name }) => name);

const told = (labels: Record<string, string>, name: string): string | undefined =>
  read(environment(remediation({ labels }), ONE).variables).get(name);

test("the example's alert becomes the example's variables, in the order of its labels", () => {
  const { variables, truncated } = environment(exampleRemediation(), ONE);
  assert.deepEqual(
    variables.slice(0, 13).map(({ name, value }) => `${name}=${value}`),
    [
      'OPENFERO_ALERTNAME=KubeQuotaAlmostFull',
      'OPENFERO_CLUSTER=dev-dmz',
      'OPENFERO_CONTAINER=kube-state-metrics',
      'OPENFERO_ENDPOINT=http',
      'OPENFERO_NAMESPACE=namespace',
      'OPENFERO_POD=mmop-kube-state-metrics-79fb6b966c-xrkgb',
      'OPENFERO_PROMETHEUS=monitoring/mmop-kube-prometheus-stack-prometheus',
      'OPENFERO_RESOURCE=requests.cpu',
      'OPENFERO_RESOURCEQUOTA=std-quota',
      'OPENFERO_SERVICE=mmop-kube-state-metrics',
      'OPENFERO_SEVERITY=info',
      'OPENFERO_STAGE=dev',
      'OPENFERO_ZONE=internal',
    ],
  );
  assert.deepEqual(
    variables.slice(13).map(({ name }) => name),
    [
      ...ALWAYS,
      'OPENFERO_META_ANNOTATION_DESCRIPTION',
      'OPENFERO_META_ANNOTATION_RUNBOOK_URL',
      'OPENFERO_META_ANNOTATION_SUMMARY',
      'OPENFERO_META_ALERT',
    ],
  );
  assert.deepEqual(truncated, []);
  const told = read(variables);
  assert.equal(told.get('OPENFERO_META_STATUS'), 'firing');
  assert.equal(told.get('OPENFERO_META_STARTS_AT'), '2021-10-25T12:01:24.29524738Z');
  assert.equal(told.get('OPENFERO_META_EXTERNAL_URL'), 'http://alertmanager.example.com');
  assert.equal(told.get('OPENFERO_META_GENERATOR_URL'), '');
});

test('if several labels lead to the same name, the one with the fewest replaced characters keeps it', () => {
  const labels = { 'a.b.c': '3', 'a-b_c': '2', a_b_c: '1' };
  assert.equal(told(labels, 'OPENFERO_A_B_C'), '1');
  assert.equal(told(labels, 'OPENFERO_A_B_C_2'), '2');
  assert.equal(told(labels, 'OPENFERO_A_B_C_3'), '3');
});

test('if labels differ only in case, the first keeps the name', () => {
  assert.equal(told({ Zone: 'first', zone: 'second' }, 'OPENFERO_ZONE'), 'first');
  assert.equal(told({ Zone: 'first', zone: 'second' }, 'OPENFERO_ZONE_2'), 'second');
});

test('a label keeps its own name although another could have been numbered into it', () => {
  const labels = { a: '1', 'a.': '2', a_: '3', a_2: '4', a__2: '5' };
  assert.equal(told(labels, 'OPENFERO_A_2'), '4');
  assert.equal(told(labels, 'OPENFERO_A__2'), '5');
  assert.equal(told(labels, 'OPENFERO_A__3'), '2');
  assert.equal(told({ a: '', A: '1', a_2: '', a_3: '', a_5: '' }, 'OPENFERO_A_4'), '1');
});

test('a character outside ASCII becomes one underscore', () => {
  assert.deepEqual(namesOf({ '😀x': '', straße: '' }).slice(0, 3), [
    'OPENFERO_ALERTNAME',
    'OPENFERO__X',
    'OPENFERO_STRA_E',
  ]);
});

test('a label with the name of a META variable gets _2, even if that variable is missing', () => {
  assert.equal(told({ meta_status: 'lie' }, 'OPENFERO_META_STATUS'), 'firing');
  assert.equal(told({ meta_status: 'lie' }, 'OPENFERO_META_STATUS_2'), 'lie');
  assert.equal(told({ META_TRUNCATED: 'lie' }, 'OPENFERO_META_TRUNCATED'), undefined);
  assert.equal(told({ META_TRUNCATED: 'lie' }, 'OPENFERO_META_TRUNCATED_2'), 'lie');
  const names = namesOf({ meta_annotation_a: '' }, { a: '' });
  assert.ok(names.includes('OPENFERO_META_ANNOTATION_A'));
  assert.ok(names.includes('OPENFERO_META_ANNOTATION_A_2'));
});

test('a label never stands for an annotation, also where there is none of that name', () => {
  for (const label of ['meta_annotation_x', 'META_ANNOTATION_X', 'meta.annotation-x']) {
    assert.equal(told({ [label]: 'lie' }, 'OPENFERO_META_ANNOTATION_X'), undefined);
    assert.equal(told({ [label]: 'lie' }, 'OPENFERO_META_ANNOTATION_X_2'), 'lie');
  }
  assert.equal(told({ meta_annotation_: 'lie' }, 'OPENFERO_META_ANNOTATION_'), undefined);
  const names = namesOf({ meta_annotation_x: '', 'meta.annotation.x': '' }, { x_2: '' });
  assert.ok(names.includes('OPENFERO_META_ANNOTATION_X_2'), 'the annotation x_2');
  assert.deepEqual(names.slice(1, 3), [
    'OPENFERO_META_ANNOTATION_X_3',
    'OPENFERO_META_ANNOTATION_X_4',
  ]);
});

test('the status is that of the alert, not of its group', () => {
  const resolved = remediation({ status: 'resolved' });
  assert.equal(resolved.group.status, 'firing');
  assert.equal(read(environment(resolved, ONE).variables).get('OPENFERO_META_STATUS'), 'resolved');
});

test('a value over 32 KiB is cut at a character and listed', () => {
  for (const character of ['x', 'é', '€', '😀', '$']) {
    const whole = character.repeat(VALUE_LIMIT);
    const { variables, truncated } = environment(remediation({ labels: { a: `b${whole}` } }), ONE);
    const value = variables.find(({ name }) => name === 'OPENFERO_A')?.value ?? '';
    assert.ok(Buffer.byteLength(value) <= VALUE_LIMIT);
    assert.ok(Buffer.byteLength(value) > VALUE_LIMIT - 4);
    assert.ok(`b${whole}`.startsWith(expanded(value)));
    assert.match(value, /(?<!\$)(?:\$\$)*$/, 'no half of a doubled $ is left');
    assert.ok(truncated.includes('OPENFERO_A'));
    assert.match(read(variables).get('OPENFERO_META_TRUNCATED') ?? '', /\bOPENFERO_A\b/);
  }
});

test('a value of exactly 32 KiB is whole', () => {
  const labels = { a: 'x'.repeat(VALUE_LIMIT), b: '$'.repeat(VALUE_LIMIT / 2) };
  assert.equal(told(labels, 'OPENFERO_A'), labels.a);
  assert.equal(told(labels, 'OPENFERO_B'), labels.b);
});

test('the alert as JSON is complete or left out', () => {
  const { variables, truncated } = environment(
    remediation({ annotations: { a: 'x'.repeat(VALUE_LIMIT - 10) } }),
    ONE,
  );
  assert.deepEqual(truncated, ['OPENFERO_META_ALERT']);
  assert.equal(read(variables).get('OPENFERO_META_ALERT'), undefined);
  assert.equal(read(variables).get('OPENFERO_META_TRUNCATED'), 'OPENFERO_META_ALERT');
});

test('over the budget, the alert is dropped first, then the largest annotations, then the largest labels', () => {
  const texts = (count: number, size: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`x${i}`, 'y'.repeat(size + i)]));
  const containers = [new Set<string>(), new Set<string>()];
  const left = (labels: number, annotations: number): readonly string[] =>
    environment(
      remediation({ labels: texts(labels, 10_000), annotations: texts(annotations, 5_000) }),
      containers,
    ).truncated;
  assert.deepEqual(left(9, 5), ['OPENFERO_META_ALERT']);
  assert.deepEqual(left(9, 8), ['OPENFERO_META_ANNOTATION_X7', 'OPENFERO_META_ALERT']);
  assert.deepEqual(left(13, 1), [
    'OPENFERO_X12',
    'OPENFERO_META_ANNOTATION_X0',
    'OPENFERO_META_ALERT',
  ]);
});

test('a variable that a container defines itself counts only for the other containers', () => {
  const labels = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [`x${i}`, 'y'.repeat(10_000)]),
  );
  const own = new Set(Object.keys(labels).map((name) => `OPENFERO_${name.toUpperCase()}`));
  const { truncated } = environment(remediation({ labels }), [new Set(), own]);
  assert.deepEqual(truncated, ['OPENFERO_META_ALERT']);
});

test('the list of what was left out is bounded and holds whole names', () => {
  const labels = Object.fromEntries(
    Array.from({ length: 20_000 }, (_, i) => [`label_${i}`, 'y'.repeat(50)]),
  );
  const { variables, truncated } = environment(remediation({ labels }), ONE);
  const list = (read(variables).get('OPENFERO_META_TRUNCATED') ?? '').split(' ');
  assert.ok(truncated.length > 10_000);
  assert.equal(list.pop(), '...');
  assert.ok(list.length > 100);
  assert.deepEqual(list, truncated.slice(0, list.length));
});

test('a very long label name is cut and listed', () => {
  const labels = { ['a'.repeat(300)]: '1', [`${'a'.repeat(300)}b`]: '2' };
  const { variables, truncated } = environment(remediation({ labels }), ONE);
  assert.equal(truncated.length, 2);
  for (const { name } of variables) assert.ok(name.length < 300);
  assert.equal(read(variables).get(truncated[0] ?? ''), '1');
  assert.equal(read(variables).get(truncated[1] ?? ''), '2');
});

test('every container and initContainer gets it before its own variables, but none it defines itself', () => {
  const own = [
    { name: 'OPENFERO_ZONE', value: 'mine' },
    { name: 'MY_POD', value: '$(OPENFERO_POD)' },
  ];
  const podSpec = {
    initContainers: [{ name: 'init' }],
    containers: [
      { name: 'a', env: own, image: 'i' },
      { name: 'b', env: null },
    ],
  };
  const before = structuredClone(podSpec);
  const filled = withEnvironment(podSpec, exampleRemediation()).podSpec;
  assert.deepEqual(podSpec, before);
  const all = environment(exampleRemediation(), ONE).variables;
  assert.deepEqual(at(filled, 'initContainers', 0, 'env'), all);
  assert.deepEqual(at(filled, 'containers', 1, 'env'), all);
  assert.deepEqual(at(filled, 'containers', 0, 'env'), [
    ...all.filter(({ name }) => name !== 'OPENFERO_ZONE'),
    ...own,
  ]);
  assert.deepEqual(Object.keys(objectAt(filled, 'containers', 0)), ['name', 'env', 'image']);
});

test('invalid containers and env are refused with one line', () => {
  const refused = (podSpec: Parameters<typeof withEnvironment>[0], message: RegExp): void =>
    assert.throws(
      () => withEnvironment(podSpec, exampleRemediation()),
      (error) => error instanceof InvalidOperarius && message.test(error.message),
    );
  refused({ containers: {} }, /^spec\.template\.spec\.containers is not a list$/);
  refused({ containers: ['a'] }, /^spec\.template\.spec\.containers\[0\] is not an object$/);
  refused({ initContainers: [{ env: 'x' }] }, /initContainers\[0\]\.env is not a list$/);
  refused({ containers: Array(101).fill({}) }, /has 101 containers: at most 100/);
  assert.deepEqual(withEnvironment({ containers: null }, exampleRemediation()).podSpec, {
    containers: null,
  });
});

test('property: every name is legal and unique per container', () => {
  fc.assert(
    fc.property(hostileRemediation, (one) => {
      const names = environment(one, ONE).variables.map(({ name }) => name);
      for (const name of names) assert.match(name, /^[A-Za-z_][A-Za-z0-9_]*$/);
      assert.equal(new Set(names).size, names.length);
    }),
    { numRuns: 200 },
  );
});

test('property: META variables are always correct', () => {
  fc.assert(
    fc.property(hostileRemediation, (one) => {
      const { alert, group } = one;
      const told = read(environment(one, ONE).variables);
      const truth = [
        alert.status,
        alert.fingerprint,
        alert.startsAt,
        alert.generatorURL,
        group.externalURL,
        group.key,
      ];
      assert.deepEqual(
        ALWAYS.map((name) => told.get(name)),
        truth.map(tellable),
      );
      // Times as Alertmanager writes them.
      const endsAt = '0001-01-01T00:00:00Z';
      assert.deepEqual(JSON.parse(told.get('OPENFERO_META_ALERT') ?? ''), { ...alert, endsAt });
      assert.equal(told.get('OPENFERO_META_TRUNCATED'), undefined);
    }),
    { numRuns: 200 },
  );
});

test('property: an annotation is in the variable with its name, for any labels', () => {
  fc.assert(
    fc.property(
      hostileTexts,
      fc.constantFrom('summary', 'a', 'B_1'),
      hostileText,
      (labels, key, text) => {
        const hostile = {
          ...labels,
          [`meta_annotation_${key}`]: 'lie',
          [`META_ANNOTATION.${key}`]: 'lie',
        };
        const one = remediation({ labels: hostile, annotations: { [key]: text } });
        const told = read(environment(one, ONE).variables);
        assert.equal(told.get(`OPENFERO_META_ANNOTATION_${key.toUpperCase()}`), tellable(text));
        const without = read(environment(remediation({ labels: hostile }), ONE).variables);
        assert.equal(without.get(`OPENFERO_META_ANNOTATION_${key.toUpperCase()}`), undefined);
      },
    ),
    { numRuns: 200 },
  );
});

test('property: no label is lost, and every value survives the expansion of Kubernetes', () => {
  fc.assert(
    fc.property(hostileRemediation, (one) => {
      const labels = Object.values(one.alert.labels);
      const { variables } = environment(one, ONE);
      assert.deepEqual(
        variables.slice(0, labels.length).map(({ value }) => expanded(value)),
        labels.map(tellable),
      );
      for (const { value } of variables) assert.ok(!value.includes('\0') && value.isWellFormed());
    }),
    { numRuns: 200 },
  );
});

test('property: a cut value is the beginning of the text', () => {
  const character = fc.constantFrom('x', '$', 'é', '€', '😀', '\0', '\u0001');
  fc.assert(
    fc.property(fc.array(character, { minLength: 1, maxLength: 7 }), fc.nat(3), (parts, odd) => {
      const text = `${'o'.repeat(odd)}${parts.join('').repeat(VALUE_LIMIT)}`;
      const value = environment(remediation({ labels: { a: text } }), ONE).variables.find(
        ({ name }) => name === 'OPENFERO_A',
      )?.value;
      assert.ok(value === undefined || tellable(text).startsWith(expanded(value)));
    }),
    { numRuns: 8 },
  );
});

test('property: all variables of all containers stay in the budget, and META is always there', () => {
  const size = fc.integer({ min: 0, max: 40_000 });
  const big = fc.tuple(fc.constantFrom('x', '"', '\u0001', '$', '😀', '\0'), size);
  const text = big.map(([character, count]) => character.repeat(count));
  const texts = fc.array(text, { maxLength: 20 }).map((all) => Object.fromEntries(all.entries()));
  const group = fc.record({ key: text, externalURL: text, status: fc.constant('firing') });
  fc.assert(
    fc.property(
      texts,
      texts,
      group,
      fc.integer({ min: 1, max: 100 }),
      (labels, annotations, around, count) => {
        const one = {
          ...remediation({ labels, annotations, generatorURL: around.key }),
          group: around,
        };
        const { variables, truncated } = environment(one, Array(count).fill(new Set()));
        assert.ok((JSON.stringify(variables).length - 2) * count <= JOB_BUDGET);
        const told = read(variables);
        for (const name of ALWAYS) assert.ok(told.has(name));
        assert.equal(told.get('OPENFERO_META_STATUS'), 'firing');
        assert.equal(told.has('OPENFERO_META_TRUNCATED'), truncated.length > 0);
      },
    ),
    { numRuns: 15 },
  );
});

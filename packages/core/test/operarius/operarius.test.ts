import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ConfigMap } from '../../src/kubernetes.ts';
import {
  dataKey,
  InvalidOperarius,
  operariusName,
  readOperarius,
  subjectOf,
  textOf,
} from '../../src/operarius/operarius.ts';
import { DEFAULT_POLICY } from '../../src/operarius/policy.ts';
import { parseManifest } from '../../src/yaml/yaml.ts';
import { operarius } from '../remediations.ts';

const JOB = `apiVersion: batch/v1
kind: Job
spec:
  template:
    spec:
      containers:
      - name: fix
        image: busybox
`;

function configMap(
  data: Record<string, unknown>,
  annotations: Record<string, string> = {},
): ConfigMap {
  return {
    metadata: { name: 'openfero-disk-firing', namespace: 'jobs', annotations },
    // As a YAML file can hold it: not only strings.
    data: data as Record<string, string>,
  };
}

function refusal(data: Record<string, unknown>, annotations?: Record<string, string>): string {
  try {
    readOperarius(configMap(data, annotations), 'Disk', DEFAULT_POLICY);
  } catch (error) {
    assert.ok(error instanceof InvalidOperarius, String(error));
    return error.message;
  }
  assert.fail('was not refused');
}

describe('the name of an operarius', () => {
  it('is openfero, the alertname and the status in lower case', () => {
    assert.equal(
      operariusName('KubeQuotaAlmostFull', 'firing'),
      'openfero-kubequotaalmostfull-firing',
    );
    assert.equal(operariusName('Disk', 'resolved'), 'openfero-disk-resolved');
  });

  it('has a hyphen for characters that a name must not have', () => {
    const expected: [string, string][] = [
      ['node:cpu_high', 'node-cpu-high'],
      ['a.b', 'a.b'],
      ['a..b', 'a-b'],
      ['a.-b', 'a-b'],
      ['a-.b', 'a-b'],
      ['a . b', 'a-b'],
      ['.x', 'x'],
      ['x.', 'x'],
      ['v1.2.3', 'v1.2.3'],
    ];
    for (const [alertname, part] of expected) {
      assert.equal(operariusName(alertname, 'firing'), `openfero-${part}-firing`, alertname);
    }
    for (const nothing of ['---', '...', 'ÄÖ', '😀', '_', '-.-']) {
      assert.equal(operariusName(nothing, 'firing'), 'openfero-firing', nothing);
    }
  });

  it('is cut and hashed if it is too long, so that long names stay different', () => {
    const long = operariusName(`${'x'.repeat(300)}A`, 'firing');
    assert.equal(long.length, 253);
    assert.match(long, /^openfero-x+-[0-9a-f]{10}$/);
    assert.notEqual(long, operariusName(`${'x'.repeat(300)}B`, 'firing'));
    assert.notEqual(long, operariusName(`${'x'.repeat(300)}A`, 'resolved'));
    assert.equal(operariusName('x'.repeat(237), 'firing'), `openfero-${'x'.repeat(237)}-firing`);
    for (const cutAt of ['.', '-', '..']) {
      const name = operariusName(`${'x'.repeat(232)}${cutAt}${'y'.repeat(50)}`, 'firing');
      assert.match(name, /^openfero-x{232}-[0-9a-f]{10}$/, cutAt);
    }
  });

  it('is valid in Kubernetes for any alertname', () => {
    const piece = fc.oneof(
      fc.constantFrom('.', '-', '_', 'a', 'Z', '0', '..', 'ß', 'İ', '😀', '\ud800'),
      fc.string({ unit: 'binary' }),
    );
    const alertname = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(alertname, fc.constantFrom('firing', 'resolved'), (text, status) => {
        const name = operariusName(text, status);
        assert.ok(name.length <= 253);
        // k8s.io/apimachinery/pkg/util/validation, dns1123SubdomainFmt.
        assert.match(name, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
      }),
    );
  });
});

describe('a data key', () => {
  it('is the alertname in its own case, with _ for characters that a key must not have', () => {
    assert.equal(dataKey('KubeQuotaAlmostFull'), 'KubeQuotaAlmostFull');
    assert.equal(dataKey('node:cpu_high'), 'node_cpu_high');
    assert.equal(dataKey('Disk full 😀'), 'Disk_full__');
    assert.equal(dataKey('.'), '_');
    assert.equal(dataKey('..'), '__');
    assert.equal(dataKey('...x'), '__.x');
    assert.equal(dataKey('.x'), '.x');
    assert.equal(dataKey('x'.repeat(300)).length, 253);
  });

  it('is valid in Kubernetes for any alertname', () => {
    const alertname = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(fc.oneof(alertname, fc.stringMatching(/^[._-]{1,5}$/)), (text) => {
        const key = dataKey(text);
        assert.match(key, /^(?!\.$|\.\.)[-._a-zA-Z0-9]{1,253}$/);
      }),
    );
  });
});

describe('an operarius', () => {
  it('is what the ConfigMap of the first release says', () => {
    const file = new URL('../../../../test/payloads/example-operarius.yaml', import.meta.url);
    const manifest = parseManifest(readFileSync(file, 'utf8'));
    assert.deepEqual(Object.keys(manifest ?? {}), ['apiVersion', 'kind', 'metadata', 'data']);
    const { metadata, data } = manifest as unknown as ConfigMap;
    assert.deepEqual(metadata.labels, { app: 'openfero' });

    const read = readOperarius(
      { metadata: { ...metadata, namespace: 'openfero' }, ...(data && { data }) },
      'KubeQuotaAlmostFull',
      DEFAULT_POLICY,
    );
    const { definition = '' } = read ?? {};
    assert.match(definition, /^[0-9a-f]{10}$/);
    assert.deepEqual(read, { ...operarius(), namespace: 'openfero', definition });
  });

  it('prefers its annotations to the settings', () => {
    const annotations = { 'openfero.io/cooldown': '1m', 'openfero.io/alertname': 'Disk' };
    const operarius = readOperarius(configMap({ Disk: JOB }, annotations), 'Disk', DEFAULT_POLICY);
    assert.equal(operarius?.policy.cooldown, 60_000);
  });

  it('is not for another alert whose name leads to the same ConfigMap', () => {
    const annotations = { 'openfero.io/alertname': 'disk', 'openfero.io/mode': 'wrong' };
    const other = configMap({ Disk: JOB }, annotations);
    assert.equal(readOperarius(other, 'Disk', DEFAULT_POLICY), undefined);
  });

  it('treats empty fields as absent, as Kubernetes does', () => {
    const job = JOB.replace('spec:', 'metadata:\nspec:').replace('image', 'env:\n        image');
    assert.ok(readOperarius(configMap({ Disk: job }), 'Disk', DEFAULT_POLICY));
  });

  it('is the only data key, whatever its name: kubectl create configmap --from-file', () => {
    for (const key of ['job.yaml', 'disk', 'DISK', 'Other']) {
      assert.ok(readOperarius(configMap({ [key]: JOB }), 'Disk', DEFAULT_POLICY), key);
    }
  });

  it('is the data key of the alertname where there are several', () => {
    const several = configMap({ notes: 'x', Disk: JOB, other: 'y' });
    assert.ok(readOperarius(several, 'Disk', DEFAULT_POLICY));
  });
});

describe('the alerts that a ConfigMap is for', () => {
  const named = (name: string, keys: readonly string[], alertname?: string): ConfigMap => ({
    metadata: {
      name,
      namespace: 'jobs',
      ...(alertname !== undefined && { annotations: { 'openfero.io/alertname': alertname } }),
    },
    data: Object.fromEntries(keys.map((key) => [key, ''])),
  });

  it('are those of its data keys that lead to its name', () => {
    assert.deepEqual(subjectOf(named('openfero-disk-firing', ['Disk', 'DISK', 'notes'])), {
      status: 'firing',
      alertnames: ['Disk', 'DISK'],
      exact: true,
    });
  });

  it('are all that lead to its name where there is one data key', () => {
    assert.deepEqual(subjectOf(named('openfero-disk-resolved', ['job.yaml'])), {
      status: 'resolved',
      alertnames: ['disk'],
      exact: false,
    });
    assert.deepEqual(subjectOf(named('openfero-disk-firing', ['Disk'])).alertnames, ['Disk']);
  });

  it('are those of the annotation, whatever else its name is', () => {
    const annotated = named('restart-web-firing', ['job.yaml'], '磁盘已满');
    assert.deepEqual(subjectOf(annotated), {
      status: 'firing',
      alertnames: ['磁盘已满'],
      exact: true,
    });
    const long = 'x'.repeat(300);
    const hashed = named(operariusName(long, 'resolved'), ['a', 'b'], long);
    assert.equal(subjectOf(hashed).status, 'resolved');
  });

  it('are none where the name leads to no alert: the message says how to name it', () => {
    const expected: readonly (readonly [ConfigMap, RegExp])[] = [
      [
        named('openfero-x-firing-7hf8k9m2bt', ['x']),
        /its name should be openfero-x-firing \(kustomize: .*disableNameSuffixHash/,
      ],
      [named('openfero-x', ['x']), /call it openfero-<alertname>-firing/],
      [named('x-firing', ['x']), /or name the alert in the annotation openfero\.io\/alertname/],
      [named('openfero-a--b-firing', ['x']), /leads to no alert/],
      [named('openfero-firing', ['x']), /contains no alertname: name the alert in the annotation/],
      [
        named('restart-web-firing', ['x'], ''),
        /alertname is "": write the exact name of the alert/,
      ],
      [named('restart-web-firing', ['x'], 'Disk '), /alertname is "Disk ": write the exact name/],
      [named('restart-web', ['x'], 'Disk'), /end it in -firing or -resolved/],
      [named('openfero-x-firing-7hf8k9m2bt', ['x'], 'x'), /should be openfero-x-firing/],
    ];
    for (const [configMap, message] of expected) {
      assert.throws(() => subjectOf(configMap), message, configMap.metadata.name);
    }
  });

  it('never include an alert that is looked up under another name', () => {
    const alertname = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(alertname, fc.constantFrom('firing', 'resolved'), (text, status) => {
        const name = operariusName(text, status);
        if (name === `openfero-${status}`) return;
        const { alertnames, status: own } = subjectOf(named(name, ['job.yaml']));
        assert.deepEqual(
          [own, alertnames.map((each) => operariusName(each, own))],
          [status, [name]],
        );
      }),
    );
  });
});

describe('an operarius that is invalid', () => {
  const place = 'ConfigMap jobs/openfero-disk-firing, key Disk';

  it('has no key for the alertname: the message lists the existing keys', () => {
    const where = 'ConfigMap jobs/openfero-disk-firing';
    const none = `${where}: none of its data keys is Disk: found`;
    const fix = 'keep one key, or name it after the alert';
    assert.equal(refusal({ disk: JOB, notes: '' }), `${none} disk, notes: ${fix}`);
    assert.match(refusal({}), /: it has no data: write the manifest of the Job under data/);
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`k${i}`, '']));
    assert.equal(refusal(many), `${none} k0, k1, k2, k3, k4 and 4 more: ${fix}`);
  });

  it('is in binaryData, where kubectl puts a file that is not UTF-8', () => {
    const utf16 = { ...configMap({}), binaryData: { Disk: '//5hAA==' } };
    const message = /Disk is in binaryData: save the file as UTF-8 text/;
    assert.throws(() => readOperarius(utf16, 'Disk', DEFAULT_POLICY), message);
    const beside = { ...utf16, data: { notes: 'x' } };
    assert.throws(() => readOperarius(beside, 'Disk', DEFAULT_POLICY), message);
  });

  it('does not find a key that every object inherits', () => {
    const proto = {
      ...configMap({}),
      metadata: { name: 'openfero-proto-firing', namespace: 'jobs' },
    };
    assert.throws(() => readOperarius(proto, '__proto__', DEFAULT_POLICY), /it has no data/);
  });

  it('contains no text, no YAML, or several documents', () => {
    assert.equal(
      refusal({ Disk: { kind: 'Job' } }),
      `${place}: the value is not a string: begin the manifest with "Disk: |-"`,
    );
    assert.match(refusal({ Disk: 'a: 1\nb: {\n' }), /, key Disk: line 3: /);
    assert.match(refusal({ Disk: `${JOB}---\n${JOB}` }), /more than one YAML document/);
    assert.equal(
      refusal({ Disk: '' }),
      `${place}: the value is empty: expected the manifest of a Job`,
    );
    assert.equal(
      refusal({ Disk: '- a' }),
      `${place}: the value is a list: expected the manifest of a Job`,
    );
    assert.equal(
      refusal({ Disk: 'rm -rf' }),
      `${place}: the value is the string rm -rf: expected the manifest of a Job`,
    );
  });

  it('is another kind than a Job', () => {
    const expected = 'expected apiVersion batch/v1 and kind Job';
    assert.equal(
      refusal({ Disk: 'apiVersion: v1\nkind: Pod' }),
      `${place}: the value is v1 Pod: ${expected}`,
    );
    assert.equal(
      refusal({ Disk: 'apiVersion: batch/v1beta1\nkind: Job' }),
      `${place}: the value is batch/v1beta1 Job: ${expected}`,
    );
    assert.equal(
      refusal({ Disk: 'kind: Job' }),
      `${place}: the value is (nothing) Job: ${expected}`,
    );
  });

  it('has nothing to run, or in the wrong place', () => {
    const head = 'apiVersion: batch/v1\nkind: Job\n';
    const expected: [string, string][] = [
      ['', 'spec is missing: expected an object'],
      ['spec: {}', 'spec.template is missing: expected an object'],
      ['spec: {template: []}', 'spec.template is an empty list: expected an object'],
      ['spec: {template: {}}', 'spec.template.spec is missing: expected an object'],
      [
        'spec: {template: {spec: {}}}',
        'spec.template.spec.containers is missing: expected at least one container',
      ],
      [
        'spec: {template: {spec: {containers: []}}}',
        'spec.template.spec.containers is an empty list: expected at least one container',
      ],
      [
        'spec: {template: {spec: {containers: {a: b}}}}',
        'spec.template.spec.containers is an object: expected a list',
      ],
      [
        'spec: {template: {spec: {containers: [a]}}}',
        'spec.template.spec.containers[0] is the string a: expected an object',
      ],
      [
        'spec: {template: {spec: {containers: [{env: {A: b}}]}}}',
        'spec.template.spec.containers[0].env is an object: expected a list',
      ],
      [
        'spec: {template: {spec: {containers: [{}], initContainers: [{}, 1]}}}',
        'spec.template.spec.initContainers[1] is the number 1: expected an object',
      ],
      ['metadata: Job', 'metadata is the string Job: expected an object'],
      ['metadata: {labels: [a]}', 'metadata.labels is a list: expected an object'],
    ];
    for (const [rest, message] of expected) {
      assert.equal(refusal({ Disk: head + rest }), `${place}: ${message}`);
    }
  });

  it('has a wrong policy', () => {
    assert.match(
      refusal({ Disk: JOB }, { 'openfero.io/mode': 'no' }),
      /openfero\.io\/mode is "no"/,
    );
    assert.match(
      refusal({ Disk: JOB }, { 'openfero.io/x': '' }),
      /annotation openfero\.io\/x is unknown/,
    );
  });
});

describe('alert text that a template inserts into a shell script', () => {
  function warnings(container: string): readonly string[] {
    const job = JOB.replace('name: fix', () => container);
    const operarius = readOperarius(configMap({ Disk: job }), 'Disk', DEFAULT_POLICY);
    return (operarius?.findings ?? []).map((finding) => textOf({ ...finding, place: '' }));
  }

  it('leads to a warning', () => {
    const script = `name: fix\n        args: [sh, -c, 'kubectl delete pod "$(OPENFERO_POD)"']`;
    assert.deepEqual(warnings(script), [
      'container fix: args[2] expands $(OPENFERO_POD) inside a script, where the text of an alert could run as a command: use "$OPENFERO_POD" instead',
    ]);
    for (const more of [
      `command: [bash, -euc]\n        args: ['$(OPENFERO_POD)']`,
      `command: [/bin/sh, -c, reboot$(OPENFERO_NODE)]`,
      `args: ['delete pod $(OPENFERO_POD)']`,
      `args: ["a\\n$$$(OPENFERO_POD)"]`,
    ]) {
      assert.equal(warnings(more).length, 1, more);
    }
  });

  it('is accepted as a separate argument, escaped, or in a shell variable', () => {
    for (const safe of [
      `args: [delete, pod, --, $(OPENFERO_POD)]`,
      `args: [--pod=$(OPENFERO_POD), -c, x]`,
      `args: [sh, -c, 'delete pod -- "$OPENFERO_POD" $(date)']`,
      `args: [sh, -c, 'echo $$(OPENFERO_POD)']`,
      `args: text`,
      `env: [{name: A, value: 'x $(OPENFERO_POD)'}]`,
    ]) {
      assert.deepEqual(warnings(safe), [], safe);
    }
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ConfigMap, Json } from '../../src/kubernetes.ts';
import { InvalidOperarius, readOperarius, textOf } from '../../src/operarius/operarius.ts';
import { DEFAULT_POLICY } from '../../src/operarius/policy.ts';

interface Parts {
  readonly metadata?: Json;
  readonly spec?: { readonly [key: string]: Json };
  readonly podMetadata?: Json;
  readonly pod?: { readonly [key: string]: Json };
  readonly container?: { readonly [key: string]: Json };
  readonly rest?: { readonly [key: string]: Json };
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly data?: Record<string, string>;
}

/** An operarius that is good, but for these parts. */
function configMap(parts: Parts): ConfigMap {
  const { metadata = {}, spec = {}, podMetadata = {}, pod = {}, container = {}, rest = {} } = parts;
  const job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata,
    spec: {
      ...spec,
      template: {
        metadata: podMetadata,
        spec: {
          restartPolicy: 'Never',
          containers: [{ name: 'fix', image: 'i', ...container }],
          ...pod,
        },
      },
    },
    ...rest,
  };
  return {
    metadata: {
      name: 'openfero-disk-firing',
      namespace: 'jobs',
      ...(parts.labels && { labels: parts.labels }),
      ...(parts.annotations && { annotations: parts.annotations }),
    },
    data: { Disk: JSON.stringify(job), ...parts.data },
  };
}

const read = (parts: Parts) => readOperarius(configMap(parts), 'Disk', DEFAULT_POLICY);

/** @returns `id: message: fix` of each warning */
function warned(parts: Parts): string[] {
  return (read(parts)?.findings ?? []).map((one) => `${one.id}: ${textOf({ ...one, place: '' })}`);
}

/** @returns the same of each error */
function refused(parts: Parts): string {
  try {
    read(parts);
  } catch (thrown) {
    assert.ok(thrown instanceof InvalidOperarius, String(thrown));
    assert.ok(thrown.findings.every(({ severity }) => severity === 'error'));
    return thrown.findings.map((one) => `${one.id}: ${textOf({ ...one, place: '' })}`).join('\n');
  }
  assert.fail('was not refused');
}

/** As a shell writes it. */
const braced = (name: string): string => ['$', '{', name, '}'].join('');

const UID = '00000000-0000-4000-8000-000000000001';
const OWNER = { apiVersion: 'batch/v1', kind: 'CronJob', name: 'nightly', uid: UID };

describe('what a server wrote into a manifest', () => {
  it('is refused if it would change what becomes of the Job', () => {
    const cases: readonly (readonly [Parts, string])[] = [
      [{ metadata: { ownerReferences: [OWNER] } }, 'metadata.ownerReferences'],
      [{ metadata: { finalizers: ['foregroundDeletion'] } }, 'metadata.finalizers'],
      [{ spec: { selector: { matchLabels: { a: 'b' } } } }, 'spec.selector'],
      [{ spec: { manualSelector: true } }, 'spec.manualSelector'],
      [{ podMetadata: { finalizers: ['a/b'] } }, 'spec.template.metadata.finalizers'],
      [
        { container: { env: [{ name: 'OPENFERO_META_FINGERPRINT', value: 'x' }] } },
        'the OPENFERO_ variables of its containers',
      ],
    ];
    for (const [parts, field] of cases) {
      assert.match(
        refused(parts),
        new RegExp(`^manifest: it was copied from a cluster.*: remove ${field}$`),
      );
    }
  });

  it('is listed in one message, with all that has to go', () => {
    const labels = { 'controller-uid': UID, 'job-name': 'x', app: 'web' };
    const message = refused({
      metadata: {
        uid: UID,
        resourceVersion: '7',
        creationTimestamp: '2026-01-01T00:00:00Z',
        labels,
      },
      spec: { selector: { matchLabels: { 'controller-uid': UID } } },
      podMetadata: { labels },
      rest: { status: { active: 1 } },
    });
    assert.equal(message.split('\n').length, 1);
    for (const field of [
      ...['spec.selector', 'status', 'metadata.uid', 'metadata.resourceVersion'],
      ...['metadata.creationTimestamp', 'spec.template.metadata.labels.controller-uid'],
      ...['spec.template.metadata.labels.job-name', 'metadata.labels.job-name'],
    ]) {
      assert.ok(message.includes(field), field);
    }
    assert.doesNotMatch(message, /labels\.app/);
  });

  it('is left out with a warning if it means nothing', () => {
    const parts: Parts = {
      metadata: { name: 'x', uid: UID, resourceVersion: '7', generation: 1, managedFields: [{}] },
      podMetadata: {
        labels: { 'batch.kubernetes.io/job-name': 'x', app: 'web' },
        ownerReferences: [OWNER],
      },
      rest: { status: { active: 1 } },
    };
    const [message = '', ...more] = warned(parts);
    assert.deepEqual(more, []);
    assert.match(message, /^manifest: what a server wrote is left out: status, metadata\.uid, /);
    const { template } = read(parts) ?? {};
    assert.deepEqual(template?.['metadata'], { name: 'x' });
    assert.equal(template?.['status'], undefined);
    assert.doesNotMatch(JSON.stringify(template), /job-name|ownerReferences/);
    assert.match(JSON.stringify(template), /"labels":\{"app":"web"\}/);
  });

  it('is left out without a word if it is empty, as kubectl create --dry-run=client writes it', () => {
    const empty = {
      metadata: { creationTimestamp: null },
      podMetadata: { creationTimestamp: null },
    };
    assert.deepEqual(warned({ ...empty, rest: { status: {} } }), []);
  });
});

describe('what keeps a Job from ever starting', () => {
  it('is an error where nothing could start it', () => {
    assert.match(refused({ spec: { parallelism: 0 } }), /^never-starts: spec\.parallelism is 0/);
    assert.match(refused({ spec: { completions: 0 } }), /^never-starts: spec\.completions is 0/);
    assert.match(refused({ spec: { activeDeadlineSeconds: 0 } }), /the Job fails at once/);
  });

  it('is a warning where someone or something could', () => {
    const cases: readonly (readonly [Parts, RegExp])[] = [
      [{ spec: { suspend: true } }, /^never-starts: spec\.suspend is true/],
      [{ spec: { managedBy: 'example.com/other' } }, /managedBy is "example\.com\/other"/],
      [{ pod: { schedulingGates: [{ name: 'a/b' }] } }, /schedulingGates/],
      [{ pod: { schedulerName: 'mine' } }, /schedulerName is "mine"/],
    ];
    for (const [parts, message] of cases) {
      const [found = '', ...more] = warned(parts);
      assert.match(found, message);
      assert.deepEqual(more, []);
    }
  });

  it('is not what starts', () => {
    const kueue = {
      metadata: { labels: { 'kueue.x-k8s.io/queue-name': 'q' } },
      spec: { suspend: true },
    };
    const usual = {
      parallelism: 1,
      completions: 1,
      suspend: false,
      managedBy: 'kubernetes.io/job-controller',
    };
    for (const good of [kueue, { spec: usual, pod: { schedulerName: 'default-scheduler' } }]) {
      assert.deepEqual(warned(good), []);
    }
  });
});

describe('placeholders that nothing expands', () => {
  it('are an error if they are those of an alert or of Helm', () => {
    for (const text of [
      '{{ .Alert.Labels.pod }}',
      '{{.Labels.pod}}',
      'x{{- .Values.pod | quote -}}',
      '{{ $labels.pod }}',
      '{{ index .CommonLabels "pod" }}',
      '{{ range .Alerts }}x{{ end }}',
      '{{ $.Values.pod }}',
      'a {{ x }} {{ .GroupLabels.pod }}',
    ]) {
      assert.match(
        refused({ container: { args: [text] } }),
        /^template: .*args\[0\] contains \{\{/,
        text,
      );
    }
    assert.match(refused({ pod: { nodeName: '{{ .Labels.node }}' } }), /spec\.nodeName contains/);
    const annotated = { podMetadata: { annotations: { x: '{{ .Values.x }}' } } };
    assert.match(refused(annotated), /annotations\.x contains/);
  });

  it('are a warning if a program could expand them', () => {
    const template = {
      container: { command: ['kubectl', '-o', 'go-template={{range .items}}x{{end}}'] },
    };
    assert.match(
      warned(template)[0] ?? '',
      /^template: .*\{\{range \.items\}\}, which OpenFero and Kubernetes/,
    );
    for (const text of [braced('OPENFERO_POD'), '$OPENFERO_POD', `--pod=${braced('POD')}`]) {
      const [found = '', ...more] = warned({ container: { command: ['kubectl', text] } });
      assert.match(
        found,
        /^template: container fix: command\[1\] contains .*: use \$\((?:OPENFERO_)?POD\)$/,
      );
      assert.deepEqual(more, []);
    }
    const env = { container: { env: [{ name: 'A', value: `x-${braced('OPENFERO_POD')}` }] } };
    assert.match(warned(env)[0] ?? '', /env A contains \$\{OPENFERO_POD\}/);
    assert.match(
      warned({ pod: { nodeName: '$(OPENFERO_NODE)' } })[0] ?? '',
      /nodeName contains \$\(OPENFERO_NODE\)/,
    );
  });

  it('are none where a shell or another program reads them', () => {
    const scripts: readonly { readonly [key: string]: Json }[] = [
      { command: ['sh', '-c', `kubectl delete pod -- "${braced('OPENFERO_POD')}"`] },
      { command: ['/bin/bash', '-euc'], args: [`"${braced('OPENFERO_POD')}"`] },
      { args: ['delete pod "$OPENFERO_POD"'] },
      { command: ['node', '-e', `console.log(${braced('process')})`] },
      { command: ['kubectl'], args: ['--', '$(OPENFERO_POD)', '$$OPENFERO_POD'] },
      { lifecycle: { preStop: { exec: { command: ['sh', '-c', `echo ${braced('HOSTNAME')}`] } } } },
      { volumeMounts: [{ name: 'v', mountPath: '/v', subPathExpr: '$(OPENFERO_POD)' }] },
    ];
    for (const container of scripts)
      assert.deepEqual(warned({ container }), [], JSON.stringify(container));
    const vault = {
      podMetadata: { annotations: { 'vault.hashicorp.com/t': '{{ with secret "x" }}' } },
    };
    assert.deepEqual(warned(vault), []);
  });
});

describe('alert text that reaches a script through another variable', () => {
  const through = (env: Json, script: string): string[] =>
    warned({ container: { command: ['sh', '-c', script], env } });

  it('leads to a warning, however many variables are in between', () => {
    const one = [{ name: 'POD', value: 'x-$(OPENFERO_POD)' }];
    assert.match(
      through(one, 'kubectl delete $(POD)')[0] ?? '',
      /^shell-paste: .*\$\(POD\).*: use "\$POD"/,
    );
    const two = [...one, { name: 'NAME', value: '$(POD)' }];
    assert.equal(through(two, 'kubectl delete $(NAME)').length, 1);
    assert.equal(through(two.toReversed(), 'kubectl delete $(NAME)').length, 1);
  });

  it('is accepted where the shell reads the variable, or where it holds nothing of the alert', () => {
    const env = [
      { name: 'POD', value: '$(OPENFERO_POD)' },
      { name: 'MINE', value: 'x' },
    ];
    assert.deepEqual(through(env, 'kubectl delete -- "$POD" $(MINE) $$(POD) $(date)'), []);
  });
});

describe('a policy that is written where OpenFero does not read it', () => {
  const cases: readonly (readonly [string, Parts, RegExp])[] = [
    [
      'another prefix',
      { annotations: { 'openfero/mode': 'run' } },
      /annotation openfero\/mode is not read.*write the annotation openfero\.io\/mode/,
    ],
    [
      'a misspelt prefix',
      { annotations: { 'openferro.io/cooldown': '1m' } },
      /openfero\.io\/cooldown/,
    ],
    ['no prefix', { annotations: { mode: 'off' } }, /annotation mode is not read/],
    ['another word for off', { annotations: { 'openfero/disabled': 'true' } }, /mode: "off"/],
    ['a switch that is not on', { annotations: { 'openfero/enabled': 'false' } }, /mode: "off"/],
    ['a label', { labels: { 'openfero.io/mode': 'off' } }, /label openfero\.io\/mode is not read/],
    [
      'a misspelt label',
      { labels: { 'openfero.io/maxage': '1m' } },
      /label openfero\.io\/maxage is not read.*openfero\.io\/max-age/,
    ],
    ['letters in the wrong order', { labels: { 'openfero.io/moed': 'off' } }, /openfero\.io\/mode/],
    ['a label without prefix', { labels: { mode: 'off' } }, /label mode is not read/],
    [
      'the label of the Go release',
      { labels: { 'openfero/job-disabled': 'false' } },
      /mode: "off"/,
    ],
    [
      'an annotation of the Job',
      { metadata: { annotations: { 'openfero.io/mode': 'off' } } },
      /metadata\.annotations openfero\.io\/mode is not read.*on the ConfigMap/,
    ],
    [
      'a label of the Job',
      { metadata: { labels: { 'openfero.io/mode': 'off' } } },
      /metadata\.labels/,
    ],
    [
      'a label of its Pods',
      { podMetadata: { labels: { 'openfero/job-disabled': '' } } },
      /spec\.template\.metadata\.labels/,
    ],
    ['a data key', { data: { mode: 'off' } }, /data key mode is not read/],
    ['a data key of another word', { data: { disabled: 'true' } }, /data key disabled is not read/],
  ];
  for (const [name, parts, message] of cases) {
    it(`is refused with what to write: ${name}`, () => {
      assert.match(refused(parts), /^policy: /);
      assert.match(refused(parts), message);
    });
  }

  it('is named if it can be no policy and no switch', () => {
    assert.match(
      warned({ labels: { 'openfero/team': 'web' } })[0] ?? '',
      /^policy: label openfero\/team is not read/,
    );
    assert.match(
      warned({ annotations: { 'openfero/team': 'web' } })[0] ?? '',
      /^policy: annotation/,
    );
  });

  it('is not what belongs to somebody else', () => {
    const fine: Parts = {
      labels: {
        app: 'openfero',
        mode: 'production',
        'openfero.io/enabled': 'true',
        'app.kubernetes.io/name': 'x',
      },
      annotations: { 'helm.sh/hook': 'x', 'openfero.io/mode': 'run', team: 'web' },
      metadata: {
        labels: { mode: 'off', 'openfero.io/operarius': 'x' },
        annotations: { 'openfero.io/alertname': 'x' },
      },
      data: { 'notes.txt': 'mode: off' },
    };
    assert.deepEqual(warned(fine), []);
  });

  it('is told together with all other errors', () => {
    const all = refused({
      annotations: { 'openfero.io/cooldown': 'soon' },
      labels: { 'openfero/mode': 'off' },
      spec: { parallelism: 0 },
      metadata: { ownerReferences: [OWNER] },
    });
    assert.deepEqual(
      all.split('\n').map((line) => line.split(':')[0]),
      ['policy', 'policy', 'manifest', 'never-starts'],
    );
  });
});

it('whatever stands in a manifest, reading it ends in an operarius or in one line of errors', () => {
  const text = fc.oneof(
    fc.constantFrom('{{ .Labels.a }}', '$(A)', braced('B'), '-c', 'sh'),
    fc.string(),
  );
  const json = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null)),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom('metadata', 'spec', 'labels', 'env', 'name', 'value', 'args', '__proto__'),
        tie('value'),
        { maxKeys: 4 },
      ),
    ),
  })).value;
  const parts = fc.record({
    metadata: json,
    podMetadata: json,
    container: fc.dictionary(fc.constantFrom('env', 'args', 'command'), json),
    spec: fc.dictionary(fc.constantFrom('suspend', 'selector', 'managedBy'), json),
  });
  fc.assert(
    fc.property(parts, (given) => {
      try {
        assert.ok(read(given));
      } catch (thrown) {
        assert.ok(thrown instanceof InvalidOperarius, String(thrown));
        assert.doesNotMatch(thrown.message, /\n/);
        assert.notEqual(thrown.message, '');
      }
    }),
  );
});

it('a chain of thousands of variables is followed in no time', () => {
  const env = Array.from({ length: 5000 }, (_, i) => ({ name: `V${i}`, value: `$(V${i + 1})` }));
  env.push({ name: 'V5000', value: '$(OPENFERO_POD)' });
  const args = Array.from({ length: 5000 }, () => 'echo $(V0)');
  const since = performance.now();
  assert.equal(warned({ container: { command: ['sh', '-c'], args, env } }).length, 5000);
  assert.ok(performance.now() - since < 5000);
});

it('a variable of OpenFero that a container sets itself is named', () => {
  const own = { container: { env: [{ name: 'OPENFERO_POD', value: 'x' }] } };
  assert.match(warned(own)[0] ?? '', /^own-variable: container fix sets OPENFERO_POD itself/);
});

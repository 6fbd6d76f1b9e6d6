import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import type { Alert, Texts } from '../src/alert.ts';
import type { Json, JsonObject } from '../src/kubernetes.ts';
import { isObject } from '../src/kubernetes.ts';
import { readNotification } from '../src/notification.ts';
import type { Operarius } from '../src/operarius/operarius.ts';
import { DEFAULT_POLICY, type Policy } from '../src/operarius/policy.ts';
import { type Reading, RejectedAlert, readAlert } from '../src/read-alert.ts';
import type { Remediation } from '../src/redis/remediation.ts';
import type { Variable } from '../src/render/budget.ts';

const ROOT = new URL('../../../test/', import.meta.url);

export function readJson(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, ROOT), 'utf8'));
}

/** How an alert of a notification without a status is read, received in the year 2026. */
export function reading(parts: Partial<Reading> = {}): Reading {
  const receivedAt = Date.UTC(2026, 10, 22);
  return { groupStatus: undefined, receivedAt, warn: assert.fail, ...parts };
}

/** The alert as the receiver reads it. */
export function readGood(value: unknown, parts: Partial<Reading> = {}): Alert {
  const alert = readAlert(value, reading(parts));
  assert.ok(!(alert instanceof RejectedAlert));
  return alert;
}

/** The only alert of test/alerts.json, as the receiver queues it. */
export function exampleRemediation(): Remediation {
  const { groupKey, status, externalURL, alerts } = readNotification(
    readJson('alerts.json'),
    assert.fail,
  );
  const alert = readGood(alerts[0], { groupStatus: status });
  const group = { key: groupKey, status: status ?? '', externalURL };
  return { ...remediation({}), group, alert };
}

export function remediation(alert: Partial<Alert>): Remediation {
  return {
    v: 1,
    id: '4f9f5a5e-7a2b-4b5e-9d55-0c6f3f0a2b11',
    receivedAt: Date.UTC(2026, 10, 22, 4, 34, 40),
    group: { key: '{}:{alertname="A"}', status: 'firing', externalURL: 'http://am.example.com' },
    alert: {
      status: 'firing',
      annotations: {},
      startsAt: '2026-11-22T04:34:40.113210877Z',
      endsAt: '0001-01-01T00:00:00.000000000Z',
      generatorURL: 'http://prometheus.example.com/graph?g0.expr=x',
      fingerprint: '2625be2b243f4306',
      ...alert,
      labels: { alertname: 'A', ...alert.labels },
    },
  };
}

export function operarius(
  template: JsonObject = exampleTemplate(),
  policy: Partial<Policy> = {},
): Operarius {
  return {
    name: 'openfero-kubequotaalmostfull-firing',
    namespace: 'operarii',
    template,
    policy: { ...DEFAULT_POLICY, ...policy },
    definition: '0123456789',
    key: 'KubeQuotaAlmostFull',
    findings: [],
  };
}

/** The Job of test/payloads/example-operarius.yaml, with its two unknown fields. */
export function exampleTemplate(): JsonObject {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'openfero-kubequotaalmostfull-firing', labels: { app: 'openfero' } },
    spec: {
      parallelism: 1,
      completions: 1,
      template: {
        labels: { app: 'openfero' },
        spec: {
          containers: [
            {
              name: 'python-job',
              image: 'ubuntu:latest',
              args: ['bash', '-c', 'echo "Hallo Welt"'],
            },
          ],
          imagePullPolicy: 'Always',
          restartPolicy: 'Never',
        },
      },
    },
  };
}

/** The value at a path of a JSON value. Fails the test if there is none. */
export function at(value: Json | undefined, ...path: readonly (string | number)[]): Json {
  let found = value;
  for (const step of path) {
    found = Array.isArray(found) ? found[Number(step)] : isObject(found) ? found[step] : undefined;
  }
  assert.ok(found !== undefined, `nothing at ${path.join('.')}`);
  return found;
}

/** The object at a path of a JSON value. Fails the test if there is none. */
export function objectAt(
  value: Json | undefined,
  ...path: readonly (string | number)[]
): JsonObject {
  const found = at(value, ...path);
  assert.ok(isObject(found), `no object at ${path.join('.')}`);
  return found;
}

/**
 * Expands a variable's value as Kubernetes does before it starts a container. Every name is known and
 * replaced.
 *
 * Source: kubernetes, third_party/forked/golang/expansion/expand.go
 */
export function expanded(input: string): string {
  let output = '';
  let checkpoint = 0;
  for (let cursor = 0; cursor < input.length; cursor++) {
    if (input[cursor] !== '$' || cursor + 1 >= input.length) continue;
    output += input.slice(checkpoint, cursor);
    const [read, advance] = readName(input.slice(cursor + 1));
    output += read;
    cursor += advance;
    checkpoint = cursor + 1;
  }
  return output + input.slice(checkpoint);
}

function readName(rest: string): readonly [string, number] {
  if (rest[0] === '$') return ['$', 1];
  if (rest[0] !== '(') return [`$${rest[0]}`, 1];
  const end = rest.indexOf(')');
  return end === -1 ? ['$(', 1] : ['<expanded>', end + 1];
}

/** The part of a text that a program can receive: no NUL, no lone surrogates. */
export function tellable(text: string): string {
  return text.replace(/\0/g, '').replace(/\p{Surrogate}/gu, '\ufffd');
}

/** The variables as the program reads them, by name. */
export function read(variables: readonly Variable[]): ReadonlyMap<string, string> {
  return new Map(variables.map(({ name, value }) => [name, expanded(value)]));
}

const NASTY = [
  '$(OPENFERO_META_STATUS)',
  '$$(PATH)',
  '$',
  '$$',
  'a$',
  '\0',
  'a\0b$\0$',
  '\ud800',
  'x\udc00y',
  '"; rm -rf / #',
  '`id`',
  "'",
  '\n---\nkind: Pod',
  '{{ .Values }}',
  '\u0001',
  '\u2028',
  '😀',
  '',
];

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc
    .array(fc.constantFrom(...NASTY, '(', ')', 'A'), { maxLength: 8 })
    .map((parts) => parts.join('')),
);

const NAMES = [
  'META_STATUS',
  'meta_status',
  'Meta.Status',
  'META_ALERT',
  'meta_truncated',
  'meta_annotation_a',
  '__proto__',
  'constructor',
  'toString',
  'a',
  'A',
  'a.',
  'a_',
  'a_2',
  'a__2',
  'a-2',
  '1',
  '',
  '😀',
  '❤',
  'ß',
  'SS',
  'ss',
  'status',
  'ı',
  'K',
  'zone',
];

export const hostileName: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...NAMES) },
  { weight: 1, arbitrary: hostileText },
);

export const hostileTexts: fc.Arbitrary<Texts> = fc
  .array(fc.tuple(hostileName, hostileText), { maxLength: 12 })
  .map((entries) => Object.fromEntries(entries));

export const hostileRemediation: fc.Arbitrary<Remediation> = fc
  .record({
    labels: hostileTexts,
    annotations: hostileTexts,
    status: fc.constantFrom('firing' as const, 'resolved' as const),
    generatorURL: hostileText,
    fingerprint: hostileText,
    group: fc.record({ key: hostileText, status: hostileText, externalURL: hostileText }),
    alertname: hostileText,
  })
  .map(({ group, alertname, labels, ...alert }) => ({
    ...remediation({ ...alert, labels: { ...labels, alertname } }),
    group,
  }));

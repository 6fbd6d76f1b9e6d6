import { type Field, type FieldType, jobTypes } from './job-types.ts';
import { MODES, POLICY_ANNOTATIONS } from './policy.ts';
import { DEDUP_BY } from './policy-syntax.ts';

/** A part of a JSON Schema, draft 07: what editors read. */
export type Schema = Readonly<Record<string, unknown>>;

const DRAFT = 'http://json-schema.org/draft-07/schema#';

/** The JSON Schema of a Job, for its manifest in a file of its own or in an editor that knows embedded YAML. */
export function jobSchema(): Schema {
  const definitions = Object.fromEntries(
    [...jobTypes()].map(([name, fields]) => [name, ofFields(fields)]),
  );
  return {
    $schema: DRAFT,
    title: 'The Job of an operarius',
    allOf: [
      ref('Job'),
      {
        required: ['apiVersion', 'kind', 'spec'],
        properties: { apiVersion: { const: 'batch/v1' }, kind: { const: 'Job' } },
      },
    ],
    definitions,
  };
}

function ofFields(fields: ReadonlyMap<string, Field>): Schema {
  const required = [...fields].filter(([, field]) => field.required).map(([name]) => name);
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries([...fields].map(([name, { type }]) => [name, ofType(type)])),
    ...(required.length > 0 && { required }),
  };
}

function ofType(type: FieldType): Schema {
  switch (type.kind) {
    case 'any':
      return {};
    case 'scalar':
      return { type: type.name };
    case 'list':
      return { type: 'array', items: ofType(type.of) };
    case 'map':
      return { type: 'object', additionalProperties: ofType(type.of) };
    case 'object':
      return jobTypes().has(type.name) ? ref(type.name) : { type: 'object' };
  }
}

const ref = (name: string): Schema => ({ $ref: `#/definitions/${name}` });

const DURATION = {
  type: 'string',
  pattern: '^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$',
  description: 'A duration such as 90s or 1h30m',
};
const BOOLEAN = { enum: ['true', 'false'] };

/** What each annotation may be. */
const ANNOTATIONS: Readonly<Record<keyof typeof POLICY_ANNOTATIONS, Schema>> = {
  dedupBy: { enum: DEDUP_BY, description: 'Which alerts count as one problem' },
  cooldown: { ...DURATION, description: 'The minimum time between two Jobs for one problem' },
  repeatAfter: {
    anyOf: [{ const: 'never' }, DURATION],
    description: 'Run another Job if the alert still fires after this time',
  },
  maxAge: { ...DURATION, description: 'Alerts that are older end as expired' },
  maxActive: {
    type: 'string',
    pattern: '^[0-9]{1,15}$',
    description: 'Unfinished Jobs at once; 0 means no limit',
  },
  maxRuns: {
    type: 'string',
    pattern: '^(none|[0-9]{1,4}/.+)$',
    description: 'How many Jobs may be started in a time, such as 20/1h',
  },
  target: {
    type: 'string',
    minLength: 1,
    description: 'The labels that name what a Job works on: one Job at a time, such as node',
  },
  mode: { enum: MODES, description: 'run, approve, dry-run or "off" in quotes' },
  approvalTimeout: {
    ...DURATION,
    description: 'With mode approve: for how long a Job waits for a person',
  },
  match: { type: 'string', description: 'Which alerts to act on, as Alertmanager matchers' },
  runIfResolved: { ...BOOLEAN, description: 'Run the Job even if the alert has resolved' },
  ownJobs: { ...BOOLEAN, description: 'Act on alerts about Jobs that OpenFero created' },
  onlyAfterFiring: { ...BOOLEAN, description: 'Run only if the firing alert created a Job' },
  maxRepeats: {
    type: 'string',
    pattern: '^(none|[0-9]{1,2}/.+)$',
    description: 'How many Jobs one problem may have, such as 5/1d',
  },
  effectWithin: {
    anyOf: [{ const: 'off' }, DURATION],
    description: 'How long after a Job it is judged whether the alert is gone',
  },
  stopAfter: {
    type: 'string',
    pattern: '^[0-9]{1,3}$',
    description: 'Bad runs in a row that stop the operarius; 0 means never',
  },
  stopFor: {
    anyOf: [{ const: 'rearm' }, DURATION],
    description: 'For how long it is stopped, or until its definition changes',
  },
  rearm: { type: 'string', description: 'Any text: a new value re-arms a stopped operarius' },
  alertname: { type: 'string', minLength: 1, description: 'The exact name of the alert' },
};

/** The JSON Schema of an operarius: its name, its label and its annotations. */
export function operariusSchema(): Schema {
  const annotations = Object.entries(ANNOTATIONS).map(([name, schema]) => [
    POLICY_ANNOTATIONS[name as keyof typeof POLICY_ANNOTATIONS],
    schema,
  ]);
  return {
    $schema: DRAFT,
    title: 'An operarius',
    type: 'object',
    required: ['apiVersion', 'kind', 'metadata', 'data'],
    properties: {
      apiVersion: { const: 'v1' },
      kind: { const: 'ConfigMap' },
      metadata: {
        type: 'object',
        required: ['name', 'labels'],
        properties: {
          name: { type: 'string', pattern: '-(firing|resolved)$', maxLength: 253 },
          namespace: { type: 'string' },
          labels: {
            type: 'object',
            required: ['app'],
            properties: { app: { const: 'openfero' } },
            additionalProperties: { type: 'string' },
          },
          annotations: {
            type: 'object',
            properties: Object.fromEntries(annotations),
            patternProperties: { '^(?!openfero\\.io/)': { type: 'string' } },
            additionalProperties: false,
          },
        },
      },
      data: {
        type: 'object',
        minProperties: 1,
        additionalProperties: { type: 'string', contentMediaType: 'application/yaml' },
      },
    },
  };
}

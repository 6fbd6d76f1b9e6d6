import assert from 'node:assert/strict';
import { it } from 'node:test';
import { JOB_FIELDS } from '@openfero/core/operarius/job-fields';
import { at } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';

/** The fields of a type as a line of JOB_FIELDS, and the types that they have. */
function lineOf(name: string, schemas: unknown): { line: string; types: string[] } {
  const schema = at(schemas, name);
  const required: unknown = at(schema, 'required');
  const properties = Object.entries(at(schema, 'properties') ?? {}).sort();
  const types: string[] = [];
  const fields = properties.map(([field, property]) => {
    const mark = Array.isArray(required) && required.includes(field) ? '!' : '';
    return `${field}${mark}=${typeOf(property, types)}`;
  });
  return { line: [shortOf(name), ...fields].join(' '), types };
}

/** @param types gets those that have fields of their own */
function typeOf(property: unknown, types: string[]): string {
  const reference = at(property, '$ref') ?? at(property, 'allOf', 0, '$ref');
  if (typeof reference === 'string') {
    const name = reference.slice('#/components/schemas/'.length);
    const scalar = SCALARS.get(shortOf(name));
    if (scalar === undefined) types.push(name);
    return scalar ?? shortOf(name);
  }
  const type = at(property, 'type');
  if (type === 'array') return `[]${typeOf(at(property, 'items'), types)}`;
  if (type !== 'object') return String(type ?? 'any');
  const values = at(property, 'additionalProperties');
  return values === undefined ? 'any' : `{}${typeOf(values, types)}`;
}

const SCALARS = new Map([
  ...['Time', 'MicroTime'].map((name) => [name, 'string'] as const),
  ...['Quantity', 'IntOrString', 'FieldsV1'].map((name) => [name, 'any'] as const),
]);

const shortOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

await describeOnControlPlane('the fields of a Job', (plane) => {
  it('are those of the API server', async () => {
    const { body } = await plane.request('GET', '/openapi/v3/apis/batch/v1');
    const schemas = at(body, 'components', 'schemas');
    const due = ['io.k8s.api.batch.v1.Job'];
    const lines = new Map<string, string>();
    for (let name = due.pop(); name !== undefined; name = due.pop()) {
      if (lines.has(name)) continue;
      const { line, types } = lineOf(name, schemas);
      lines.set(name, line);
      // What a server writes is no author's.
      due.push(...types.filter((type) => !/\.(?:JobStatus|ManagedFieldsEntry)$/.test(type)));
    }
    const expected = [...lines.values()].sort().join('\n');
    assert.equal(JOB_FIELDS.trim(), expected, `write this to job-fields.ts:\n${expected}`);
  });
});

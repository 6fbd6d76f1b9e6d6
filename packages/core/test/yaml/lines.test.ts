import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readLines } from '../../src/yaml/lines.ts';

const CONFIG_MAP = `# a comment
apiVersion: v1
kind: ConfigMap
metadata:
  name: x
  annotations:
    openfero.io/cooldown: 5m
    openfero.io: y
data:
  Disk: |-

    kind: Job
    spec:
      template:
        spec:
          containers:
          - name: a
            args: [x]
          - name: b
            args:
            - first
            - |
              second
  Folded: >
    kind: Job
  Quoted: "kind: Job\\nspec: 1"
`;

describe('the line of a field', () => {
  const lineOf = readLines(CONFIG_MAP);
  const lines: readonly (readonly [path: string, line: number])[] = [
    ['metadata.name', 5],
    ['metadata.annotations', 6],
    ['metadata.annotations.openfero.io/cooldown', 7],
    ['metadata.annotations.openfero.io', 8],
    ['data.Disk', 10],
    ['data.Disk.kind', 12],
    ['data.Disk.spec.template.spec.containers', 16],
    ['data.Disk.spec.template.spec.containers[1]', 19],
    ['data.Disk.spec.template.spec.containers[0].args[0]', 18],
    ['data.Disk.spec.template.spec.containers[1].args[0]', 21],
    ['data.Folded.kind', 24],
    ['data.Quoted.spec', 26],
  ];
  for (const [path, line] of lines) it(path, () => assert.equal(lineOf(path), line));

  it('of what is missing is that of what is around it', () => {
    assert.equal(lineOf('metadata.labels.app'), 4);
    assert.equal(lineOf('data.Disk.spec.suspend'), 13);
    assert.equal(lineOf('nothing'), 1);
  });

  it('within a text that is no YAML is counted from its first line', () => {
    const broken = readLines('data:\n  Disk: |\n    a: b\n    \tc: d\n');
    assert.equal(broken('data.Disk', 2), 4);
    assert.equal(broken('data.Disk.spec'), 2);
  });

  it('is found in JSON, indented with tabs too', () => {
    const json = JSON.stringify({ metadata: { name: 'x' }, data: { Disk: '{}' } }, null, '\t');
    assert.equal(readLines(json)('metadata.name'), 3);
    assert.equal(readLines(json)('data.Disk.spec'), 6);
  });

  it('of a document that is no YAML is the first', () => {
    assert.equal(readLines('a: [')('a'), 1);
  });
});

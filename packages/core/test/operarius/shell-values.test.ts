import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { shellValues } from '../../src/operarius/shell-values.ts';

interface Parts {
  readonly command?: string[];
  readonly env?: { name: string; value: string }[];
}

/** @returns `id NAME` of each finding */
function found(script: string, { command = ['sh', '-c'], env = [] }: Parts = {}): string[] {
  const container = { name: 'c', image: 'i', command: [...command, script], env };
  return shellValues({ spec: { template: { spec: { containers: [container] } } } }, '').map(
    ({ id, message }) => `${id} ${/\$(\w+)/.exec(message)?.[1]}`,
  );
}

/** As a template literal cannot write it. */
const braced = (text: string): string => `$\{${text}}`;

const WRONG: readonly (readonly [script: string, ...found: string[]])[] = [
  ['kubectl delete pod $OPENFERO_POD', 'unquoted OPENFERO_POD', 'option-like OPENFERO_POD'],
  ['kubectl get pod -n $OPENFERO_NAMESPACE', 'unquoted OPENFERO_NAMESPACE'],
  ['kubectl delete pod/$OPENFERO_POD', 'unquoted OPENFERO_POD'],
  [`echo ${braced('OPENFERO_POD:-none')}`, 'unquoted OPENFERO_POD'],
  ['kubectl delete pod "$OPENFERO_POD"', 'option-like OPENFERO_POD'],
  ['x=$(kubectl get pod "$OPENFERO_POD")', 'option-like OPENFERO_POD'],
  [
    'echo "on $(kubectl get pod $OPENFERO_POD -o name)"',
    'unquoted OPENFERO_POD',
    'option-like OPENFERO_POD',
  ],
  ['if kubectl get pod "$OPENFERO_POD"; then true; fi', 'option-like OPENFERO_POD'],
  ['pod=$OPENFERO_POD; kubectl delete pod $pod', 'unquoted pod', 'option-like pod'],
  ['[[ $OPENFERO_COUNT -gt 3 ]]', 'computed OPENFERO_COUNT'],
  ['if (( OPENFERO_COUNT > 3 )); then true; fi', 'computed OPENFERO_COUNT'],
  ['n=$((OPENFERO_COUNT + 1))', 'computed OPENFERO_COUNT'],
  ['eval "kubectl delete pod $OPENFERO_POD"', 'computed OPENFERO_POD'],
  ['cat <<EOF\n$OPENFERO_A\nEOF\nrm $OPENFERO_B', 'unquoted OPENFERO_B', 'option-like OPENFERO_B'],
];

const RIGHT = [
  'echo "Quota $OPENFERO_RESOURCEQUOTA is almost full"',
  'kubectl delete pod -n "$OPENFERO_NAMESPACE" -- "$OPENFERO_POD"',
  'kubectl delete "pod/$OPENFERO_POD" --namespace="$OPENFERO_NAMESPACE"',
  'pod=$OPENFERO_POD; echo "$pod"',
  '[[ $OPENFERO_STATUS == firing ]]',
  '[ "$OPENFERO_COUNT" -gt 3 ]',
  'case $OPENFERO_POD in web-*) true;; esac',
  'for pod in $OPENFERO_PODS; do echo "$pod"; done',
  "echo '$OPENFERO_POD' # kubectl delete $OPENFERO_POD",
  'cat <<EOF | kubectl apply -f -\nname: $OPENFERO_POD\nEOF',
  'jq --arg pod "$OPENFERO_POD" . file',
  `echo "${braced('#OPENFERO_POD')}"`,
  'kubectl delete pod $POD',
  'warn() { echo "$1"; }\nwarn "$OPENFERO_POD"',
  'echo x > "$OPENFERO_FILE"',
  'echo \\$OPENFERO_POD',
  'printf %s\\\\n "$OPENFERO_POD"',
];

describe('a value of the alert in a script', () => {
  for (const [script, ...expected] of WRONG) {
    it(`is warned of: ${script}`, () => assert.deepEqual(found(script), expected));
  }
  for (const script of RIGHT) {
    it(`is fine: ${script}`, () => assert.deepEqual(found(script), []));
  }

  it('is seen through a variable of the container', () => {
    const env = [{ name: 'POD', value: 'x-$(OPENFERO_POD)' }];
    assert.deepEqual(found('rm -- $POD', { env }), ['unquoted POD']);
  });

  it('is seen in what Kubernetes passes to a program', () => {
    const program = ['kubectl', 'delete', 'pod'];
    assert.deepEqual(found('$(OPENFERO_POD)', { command: program }), ['option-like OPENFERO_POD']);
    assert.deepEqual(found('$(OPENFERO_POD)', { command: [...program, '--'] }), []);
    assert.deepEqual(found('$(OPENFERO_POD)', { command: ['kubectl', '-n'] }), []);
  });

  it('is looked for in scripts only', () => {
    assert.deepEqual(found('print($OPENFERO_X)', { command: ['python3', '-c'] }), []);
  });

  it('never makes it hang or throw, whatever the script', () => {
    const piece = fc.constantFrom(
      ...[
        '"',
        "'",
        '`',
        '$(',
        '$((',
        '))',
        ')',
        '${',
        '}',
        '<<EOF',
        '\n',
        '#',
        '\\',
        ' ',
        ';',
        '>',
      ],
      ...['((', '[[', ']]', '$OPENFERO_A', 'a', 'EOF', '|', '&', '<', '$'],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        found(pieces.join(''));
      }),
      { numRuns: 2000 },
    );
  });
});

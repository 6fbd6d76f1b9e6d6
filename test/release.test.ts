import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { parseManifest } from '@openfero/core/yaml';
import { at } from '@openfero/testkit/controlplane';

const WORKFLOW = new URL('../.github/workflows/release.yml', import.meta.url);

describe('the workflow of a release', () => {
  it('publishes under names in lower case, since a registry accepts no others', async () => {
    const text = await readFile(WORKFLOW, 'utf8');
    const steps: readonly unknown[] = Object(at(parseManifest(text), 'jobs', 'image', 'steps'));
    const script = String(
      at(
        steps.find((step) => at(step, 'id') === 'names'),
        'run',
      ),
    );
    const env = {
      ...{ PATH: process.env['PATH'], REGISTRY: 'ghcr.io' },
      ...{ GITHUB_REPOSITORY: 'OpenFero/openfero', GITHUB_REF_NAME: 'v1.2.3' },
    };
    const whole = `GITHUB_OUTPUT=$(mktemp)\n${script}\ncat "$GITHUB_OUTPUT"; rm "$GITHUB_OUTPUT"`;
    const { stdout } = await promisify(execFile)('bash', ['-c', whole], { env });
    assert.equal(stdout, 'version=1.2.3\nimage=ghcr.io/openfero/openfero\n');
    // Nothing else makes a name of it.
    assert.doesNotMatch(text, /github\.repository|GITHUB_REPOSITORY(_OWNER)?(?![,_])\b/);
  });
});

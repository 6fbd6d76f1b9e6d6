import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { parseManifest } from '@openfero/core/yaml';
import { at } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';

const TABLE = new URL('../packages/core/test/yaml/yaml-table.json', import.meta.url);

interface Row {
  readonly yaml: string;
  /** What kubectl refuses. */
  readonly error?: string;
  /** What only we refuse. */
  readonly refused?: string;
}

/** A row as part of a Job, since kubectl prints only kinds that it knows. */
const jobOf = ({ yaml }: Row): string =>
  `apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: row\nspec:\n${yaml.replace(/^/gm, '  ')}\n`;

const specOf = (job: unknown): string => JSON.stringify(at(job, 'spec'));

await describeOnControlPlane('YAML', (plane) => {
  it('is read as kubectl reads it, for every row of the table', async () => {
    const table: Row[] = JSON.parse(await readFile(TABLE, 'utf8'));
    const rows = table.filter((row) => row.error === undefined && row.refused === undefined);
    // Single lines only: the meaning of several lines may change with indentation.
    const jobs = rows.filter(({ yaml }) => /^\w+:[^\r\n]*$/.test(yaml)).map(jobOf);
    assert.ok(jobs.length > 150, `only ${jobs.length} rows`);
    const args = ['create', '--dry-run=client', '--validate=false', '-o', 'json', '-f', '-'];
    const printed = await plane.kubectl(args, jobs.join('---\n'));
    // kubectl prints one object after the other, not a list.
    const items: unknown[] = printed.split(/(?<=^})\n(?={)/m).map((one) => JSON.parse(one));
    assert.equal(items.length, jobs.length);
    for (const [i, job] of jobs.entries()) {
      assert.equal(specOf(parseManifest(job)), specOf(items[i]), job);
    }
  });
});

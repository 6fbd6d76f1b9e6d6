import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';

const FOLDER = process.env['OPENFERO_BUNDLES'] ?? 'dist';

describe('the bundle of each service', () => {
  for (const service of ['receiver', 'worker', 'dashboard']) {
    const file = resolve(FOLDER, `${service}.mjs`);
    const skip = existsSync(file) ? false : 'no bundles: the global setup of the tests makes them';

    it(`${service}: V8 holds its text in one byte per character`, { skip }, async () => {
      const text = await readFile(file, 'utf8');
      assert.deepEqual(text.match(/[\u0080-\uffff]/g), null);
    });

    it(`${service}: it has nothing of BullMQ for PostgreSQL`, { skip }, async () => {
      assert.doesNotMatch(await readFile(file, 'utf8'), /PostgresQueueBackend/);
    });

    it(`${service}: it requires the modules of Node.js: an import loads more`, {
      skip,
    }, async () => {
      const imports = (await readFile(file, 'utf8')).matchAll(/\bfrom ?["']([\w:/]+)["'];/g);
      assert.deepEqual(
        [...imports].map(([, name]) => name),
        ['node:module'],
      );
    });
  }
});

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { createAuthority, issueClientCertificate } from '@openfero/testkit/certificates';
import { at } from '@openfero/testkit/controlplane';
import { serverOf, startService } from '@openfero/testkit/process';
import { describeChart, environmentOf, find, SERVICES, valuesOf } from './chart.ts';

/** Where the chart mounts the files for Redis. */
const MOUNTED = '/etc/openfero/redis';

const SHAPES = ['external-redis-tls-acl', 'sentinel', 'cluster'];

/** In place of the cluster. */
const DIRECTORY = {
  ...{ HOST: '127.0.0.1', PORT: '0', OPENFERO_CLUSTER: 'directory' },
  ...{ OPENFERO_OPERARII_DIR: tmpdir(), OPENFERO_JOBS_DIR: tmpdir() },
};

await describeChart(
  'a service starts with what the chart renders for an external Redis',
  (chart) => {
    let folder = '';
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'openfero-chart-'));
      await createAuthority(folder);
      await issueClientCertificate(folder, 'client', 'openfero', []);
      for (const name of ['password', 'sentinel-password']) {
        await writeFile(join(folder, name), 'secret\n');
      }
    });
    after(() => rm(folder, { recursive: true }));

    for (const shape of SHAPES) {
      it(`ci/${shape}-values.yaml`, async (t) => {
        const objects = await chart.render(...valuesOf(`ci/${shape}-values.yaml`));
        await Promise.all(
          SERVICES.map(async (name) => {
            const deployment = find(objects, 'Deployment', `openfero-${name}`);
            const env = environmentOf(deployment);
            assert.deepEqual(filesOf(deployment), pathsIn(env), 'each file is used');
            const service = await startService(serverOf(name), {
              ...local(env, folder),
              ...DIRECTORY,
            });
            t.after(() => service.stop());
            // The hosts do not exist.
            await service.waitForLine(
              ({ msg }) =>
                msg.includes('check REDIS_SENTINELS') || /^Redis is not reachable/.test(msg),
            );
            const { status } = await fetch(`${await service.url()}/healthz`);
            assert.equal(status, 200);
          }),
        );
      });
    }
  },
);

/** The same variables, with the files in a folder of this machine. */
function local(env: Readonly<Record<string, string>>, folder: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value.replace(MOUNTED, folder)]),
  );
}

function pathsIn(env: Readonly<Record<string, string>>): string[] {
  const paths = Object.values(env).filter((value) => value.startsWith(`${MOUNTED}/`));
  return paths.map((path) => path.slice(MOUNTED.length + 1)).sort();
}

/** The files of the volume that is mounted for Redis. */
function filesOf(deployment: unknown): string[] {
  const volumes = listOf(at(deployment, 'spec', 'template', 'spec', 'volumes'));
  const volume = volumes.find((one) => at(one, 'name') === 'redis');
  return listOf(at(volume, 'projected', 'sources'))
    .flatMap((one) => listOf(at(one, 'secret', 'items') ?? at(one, 'configMap', 'items')))
    .map((item) => String(at(item, 'path')))
    .sort();
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

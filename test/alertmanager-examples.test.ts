import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missingAlertmanager, startAlertmanager } from '@openfero/testkit/alertmanager';
import { createAuthority, issueServerCertificate } from '@openfero/testkit/certificates';
import { startSystem } from './system.ts';

const FOLDER = fileURLToPath(new URL('../deploy/alertmanager/', import.meta.url));
const SECRETS = '/etc/alertmanager/secrets';
const skip = process.env['CI'] === 'true' ? false : missingAlertmanager();

/** The example, with the address of a receiver of this machine and the secrets in a folder. */
async function example(file: string, url: string, secrets: string): Promise<string> {
  const text = await readFile(`${FOLDER}${file}`, 'utf8');
  return text
    .replace(/https?:\/\/openfero-receiver\S+/, url)
    .replaceAll(SECRETS, secrets)
    .replaceAll('openfero-receiver/', '')
    .replaceAll('openfero-receiver-tls/', '')
    .replace('group_wait: 30s', 'group_wait: 100ms');
}

async function secretsIn(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'openfero-secrets-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

describe('the examples for Alertmanager', { skip, timeout: 60_000 }, () => {
  const send = async (
    t: TestContext,
    file: string,
    secrets: string,
    env: Record<string, string>,
  ) => {
    const system = await startSystem(t);
    const receiver = await system.startReceiver(env);
    const address = (await receiver.url()).replace('localhost', '127.0.0.1');
    const config = await example(file, `${address}/alerts`, secrets);
    const alertmanager = await startAlertmanager({ config });
    t.after(() => alertmanager.stop());
    await alertmanager.post([{ labels: { alertname: 'Example' } }]);
    return receiver.waitForLine(({ msg }) => msg.startsWith('notification'));
  };

  it('alertmanager-bearer.yml reaches a receiver with a token', async (t) => {
    const secrets = await secretsIn(t, { token: 'a token' });
    const env = { OPENFERO_AUTH: 'bearer', OPENFERO_AUTH_TOKEN_FILE: join(secrets, 'token') };
    const line = await send(t, 'alertmanager-bearer.yml', secrets, env);
    assert.equal(line['code'], 200);
  });

  it('alertmanager-basic-tls.yml reaches a receiver with a user, a password and TLS', async (t) => {
    const secrets = await secretsIn(t, { password: 'a password' });
    await createAuthority(secrets);
    await issueServerCertificate(secrets, 'receiver');
    const line = await send(t, 'alertmanager-basic-tls.yml', secrets, {
      OPENFERO_AUTH: 'basic',
      OPENFERO_AUTH_USER: 'alertmanager',
      OPENFERO_AUTH_PASSWORD_FILE: join(secrets, 'password'),
      OPENFERO_TLS_CERT_FILE: join(secrets, 'receiver.crt'),
      OPENFERO_TLS_KEY_FILE: join(secrets, 'receiver.key'),
    });
    assert.equal(line['code'], 200);
  });
});

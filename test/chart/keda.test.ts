import assert from 'node:assert/strict';
import { it } from 'node:test';
import { at } from '@openfero/testkit/controlplane';
import { Redis } from 'ioredis';
import { notificationOf, startSystem } from '../system.ts';
import { describeChart, environmentOf, find, valuesOf } from './chart.ts';

/** KEDA asks Redis with a script. */
const LENGTH = "return redis.call('LLEN', KEYS[1])";

await describeChart('the trigger of KEDA', (chart) => {
  for (const prefix of ['{openfero}', '{team-a}', 'plain']) {
    it(`counts the alerts that a receiver queued with the prefix ${prefix}`, async (t) => {
      const file = valuesOf('ci/keda-values.yaml');
      // As JSON, because --set reads braces as a list.
      const set = ['--set-json', `queuePrefix=${JSON.stringify(prefix)}`];
      const objects = await chart.render(...file, ...set);
      const { OPENFERO_QUEUE_PREFIX: queue = '' } = environmentOf(
        find(objects, 'Deployment', 'openfero-receiver'),
      );
      const system = await startSystem(t);
      await system.startReceiver({ OPENFERO_QUEUE_PREFIX: queue });
      const pods = [1, 2, 3, 4, 5, 6, 7].map((pod) => ({ alertname: 'Queued', pod: `${pod}` }));
      assert.equal((await system.post(notificationOf(pods))).status, 200);

      const trigger = at(find(objects, 'ScaledObject', 'openfero-worker'), 'spec', 'triggers', 0);
      const list = String(at(trigger, 'metadata', 'listName'));
      const redis = new Redis(system.redis.url);
      t.after(() => redis.disconnect());
      assert.equal(await redis.eval(LENGTH, 1, list), 7);
    });
  }

  it('has a name without braces, and the address of the Redis that the services use', async () => {
    const objects = await chart.render(...valuesOf('ci/keda-values.yaml'));
    const trigger = at(find(objects, 'ScaledObject', 'openfero-worker'), 'spec', 'triggers', 0);
    assert.match(String(at(trigger, 'name')), /^[a-z]+$/);
    const worker = environmentOf(find(objects, 'Deployment', 'openfero-worker'));
    assert.equal(`redis://${at(trigger, 'metadata', 'address')}`, worker['REDIS_URL']);
  });

  it('connects to a Redis with TLS as the services do', async () => {
    const objects = await chart.render(
      ...valuesOf('ci/external-redis-tls-acl-values.yaml'),
      '--set=worker.keda.enabled=true',
    );
    const trigger = at(find(objects, 'ScaledObject', 'openfero-worker'), 'spec', 'triggers', 0);
    const { listName: _, listLength: __, ...connection } = Object(at(trigger, 'metadata'));
    assert.deepEqual(connection, {
      address: 'openfero.redis.example.com:6380',
      databaseIndex: '2',
      enableTLS: 'true',
      username: 'openfero',
    });
    const authentication = find(objects, 'TriggerAuthentication', 'openfero-worker');
    assert.deepEqual(at(authentication, 'spec'), {
      secretTargetRef: [
        { parameter: 'password', name: 'openfero-redis', key: 'acl-password' },
        { parameter: 'cert', name: 'openfero-redis-client', key: 'tls.crt' },
        { parameter: 'key', name: 'openfero-redis-client', key: 'tls.key' },
      ],
      configMapTargetRef: [{ parameter: 'ca', name: 'redis-ca', key: 'bundle.pem' }],
    });
  });

  it('gets a CA and a client certificate from a Redis without a password', async () => {
    const tls = { ca: { secret: 'redis-ca' }, clientSecret: 'redis-client' };
    const external = { url: 'rediss://redis.example.com', tls };
    const objects = await chart.render(
      `--set-json=redis=${JSON.stringify({ bundled: { enabled: false }, external })}`,
      '--set=worker.keda.enabled=true',
    );
    const authentication = find(objects, 'TriggerAuthentication', 'openfero-worker');
    const secrets = Object(at(authentication, 'spec', 'secretTargetRef'));
    assert.deepEqual(
      secrets.map((one: unknown) => at(one, 'parameter')),
      ['ca', 'cert', 'key'],
    );
    const trigger = at(find(objects, 'ScaledObject', 'openfero-worker'), 'spec', 'triggers', 0);
    assert.deepEqual(at(trigger, 'authenticationRef'), { name: 'openfero-worker' });
  });
});

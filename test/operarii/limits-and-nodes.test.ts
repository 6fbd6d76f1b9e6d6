import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { at } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { expectDone, expectNothing, type Installation, install } from './installation.ts';
import { ALLOWED, objectsIn } from './objects.ts';

const STARTERS = [
  'kubehpamaxedout',
  'kubepersistentvolumefillingup',
  'kubenodenotready',
  'kubenodeeviction',
  'kubeaggregatedapidown',
];

await describeOnControlPlane('starter operarii for limits and nodes', (plane) => {
  let here: Installation;
  before(async () => {
    here = await install(plane, STARTERS);
  });
  after(() => here.stop());

  it('kubehpamaxedout raises maxReplicas up to the ceiling, and puts it back', async () => {
    const shop = here.shopOf('kubehpamaxedout');
    const objects = objectsIn(plane, shop);
    const raise = await here.remediate('kubehpamaxedout', 'alert-firing.json');
    const putBack = await here.remediate('kubehpamaxedout', 'alert-resolved.json');
    const list = `/apis/autoscaling/v2/namespaces/${shop}/horizontalpodautoscalers`;
    const path = `${list}/checkout`;
    const max = async (): Promise<unknown> => at(await objects.get(path), 'spec', 'maxReplicas');
    const annotate = (annotations: object): Promise<void> =>
      objects.patch(path, { metadata: { annotations } });
    const wish = (desiredReplicas: number): Promise<void> =>
      objects.patch(`${path}/status`, { status: { currentReplicas: 5, desiredReplicas } });
    await objects.create(list, {
      metadata: { name: 'checkout' },
      spec: {
        maxReplicas: 5,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' },
      },
    });
    expectNothing(await here.run(raise), /does not have the label openfero\.io\/allow=true/);
    await objects.allow(path);
    expectNothing(await here.run(raise), /max-replicas-ceiling of checkout is not a number/);
    await annotate({ 'openfero.io/max-replicas-ceiling': '10' });
    expectNothing(await here.run(putBack), /maxReplicas of checkout was not raised/);

    assert.match(expectDone(await here.run(raise)), /Raised maxReplicas from 5 to 8/);
    expectNothing(await here.run(raise), /was raised for this alert before/);
    const later = { OPENFERO_META_STARTS_AT: '2026-11-22T08:00:00Z' };
    assert.match(expectDone(await here.run(raise, later)), /Raised maxReplicas from 8 to 10/);
    const again = { OPENFERO_META_STARTS_AT: '2026-11-22T10:00:00Z' };
    expectNothing(await here.run(raise, again), /is 10, and its ceiling is 10/);

    await wish(6);
    expectNothing(await here.run(putBack), /still wants 6 replicas, and had at most 5 before/);
    await wish(3);
    assert.match(expectDone(await here.run(putBack)), /Put maxReplicas back from 10 to 5/);
    assert.equal(await max(), 5);
    expectNothing(await here.run(putBack), /was not raised/);
    expectDone(await here.run(raise, again));
    await objects.patch(path, { spec: { maxReplicas: 7 } });
    expectNothing(await here.run(putBack), /has been changed from 8 to 7 since/);
    await annotate({ 'openfero.io/raised': '5",{} 7 x' });
    expectNothing(
      await here.run(putBack),
      /the annotation openfero\.io\/raised of checkout was changed/,
    );
    assert.equal(await max(), 7);
  });

  it('kubepersistentvolumefillingup grows a volume by 20 % up to the ceiling', async () => {
    const starter = 'kubepersistentvolumefillingup';
    const objects = objectsIn(plane, here.shopOf(starter));
    const job = await here.remediate(starter);
    const list = `/api/v1/namespaces/${here.shopOf(starter)}/persistentvolumeclaims`;
    const path = `${list}/data-orders-0`;
    const wanted = async (): Promise<unknown> =>
      at(await objects.get(path), 'spec', 'resources', 'requests', 'storage');
    const limit = (size: string): Promise<void> =>
      objects.patch(path, { metadata: { annotations: { 'openfero.io/max-size': size } } });
    const classes = '/apis/storage.k8s.io/v1/storageclasses';
    const storageClassName = here.shopOf(starter);
    await objects.create(classes, {
      metadata: { name: storageClassName },
      provisioner: 'p',
      allowVolumeExpansion: true,
    });
    await objects.create(list, {
      metadata: { name: 'data-orders-0' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName,
        resources: { requests: { storage: '10Gi' } },
      },
    });
    const have = (storage: string): Promise<void> =>
      objects.patch(`${path}/status`, { status: { phase: 'Bound', capacity: { storage } } });
    await have('10Gi');
    expectNothing(await here.run(job), /does not have the label openfero\.io\/allow=true/);
    await objects.allow(path);
    for (const size of ['', '10', 'plenty', '99999999Ti', '1.5Ti', '-5Gi', '010Gi', '10Gi ']) {
      await limit(size);
      const reason =
        size === '10' ? /its ceiling is 10/ : /max-size of data-orders-0 is not a size/;
      expectNothing(await here.run(job), reason);
    }
    await limit('13Gi');
    assert.match(expectDone(await here.run(job)), /Grew the volume from 10Gi to 12288Mi/);
    assert.equal(await wanted(), '12Gi');
    expectNothing(await here.run(job), /data-orders-0 was grown for this alert before/);
    const later = { OPENFERO_META_STARTS_AT: '2026-11-22T08:00:00Z' };
    expectNothing(await here.run(job, later), /is growing already, from 10Gi to 12Gi/);
    await have('12Gi');
    expectDone(await here.run(job, later));
    assert.equal(await wanted(), '13Gi');
    await have('13Gi');
    const last = { OPENFERO_META_STARTS_AT: '2026-11-22T09:00:00Z' };
    expectNothing(await here.run(job, last), /data-orders-0 has 13Gi, and its ceiling is 13Gi/);
    await plane.request('DELETE', `${classes}/${storageClassName}`);
  });

  it('kubenodenotready cordons a node, and uncordons only what it cordoned', async (t) => {
    const starter = 'kubenodenotready';
    const objects = objectsIn(plane, here.shopOf(starter));
    const nodes = '/api/v1/nodes';
    const path = `${nodes}/${here.node}`;
    const isCordoned = async (): Promise<boolean> =>
      at(await objects.get(path), 'spec', 'unschedulable') === true;
    const ready = (name: string, status: string): Promise<void> =>
      objects.patch(`${nodes}/${name}/status`, {
        status: { conditions: [{ type: 'Ready', status }] },
      });
    const others = [1, 2, 3, 4].map((i) => `${here.node}-${i}`);
    t.after(async () => {
      for (const name of [here.node, ...others]) await plane.request('DELETE', `${nodes}/${name}`);
    });
    for (const name of [here.node, ...others]) {
      await objects.create(nodes, { metadata: { name } });
      await ready(name, name === here.node ? 'Unknown' : 'True');
    }
    const cordon = await here.remediate(starter, 'alert-notready-firing.json');
    const uncordon = await here.remediate(starter, 'alert-notready-resolved.json');
    expectNothing(await here.run(cordon), /does not have the label openfero\.io\/allow=true/);
    await objects.allow(path);
    const [first = ''] = others;
    await ready(first, 'False');
    expectNothing(await here.run(cordon), /2 of 5 nodes are not Ready, which is more than 20 %/);
    await ready(first, 'True');
    assert.match(expectDone(await here.run(cordon)), /Cordoned the node/);
    assert.equal(await isCordoned(), true);
    expectNothing(await here.run(cordon), /is cordoned already/);
    expectNothing(await here.run(uncordon), /is not Ready\. When it is: kubectl uncordon/);
    await ready(here.node, 'True');
    assert.match(expectDone(await here.run(uncordon)), /Uncordoned the node/);
    assert.equal(await isCordoned(), false);
    await objects.patch(path, { spec: { unschedulable: true } });
    expectNothing(await here.run(uncordon), /was not cordoned by OpenFero/);
    assert.equal(await isCordoned(), true);

    await objects.patch(path, { spec: { unschedulable: null } });
    await ready(here.node, 'Unknown');
    expectDone(await here.run(await here.remediate(starter, 'alert-unreachable-firing.json')));
    await ready(here.node, 'True');
    expectDone(await here.run(await here.remediate(starter, 'alert-unreachable-resolved.json')));
    assert.equal(await isCordoned(), false);
  });

  it('kubenodeeviction deletes the evicted pods of the node, where it may', async () => {
    const starter = 'kubenodeeviction';
    const [shop, elsewhere] = [here.shopOf(starter), await plane.createNamespace()];
    const objects = objectsIn(plane, shop);
    const job = await here.remediate(starter);
    expectNothing(await here.run(job), /the node has no evicted pods/);
    const evicted = { phase: 'Failed', reason: 'Evicted', message: 'low on memory\nx|y|z' };
    await objects.pod('evicted', { nodeName: here.node, status: evicted });
    await objects.pod('failed', {
      nodeName: here.node,
      status: { phase: 'Failed', reason: 'Error' },
    });
    await objects.pod('elsewhere', { nodeName: `${here.node}-1`, status: evicted });
    await objectsIn(plane, elsewhere).pod('foreign', { nodeName: here.node, status: evicted });
    const printed = expectDone(await here.run(job));
    assert.match(printed, new RegExp(`Deleted the pod ${shop}/evicted`));
    assert.match(printed, new RegExp(`Not deleted: ${elsewhere}/foreign`));
    assert.match(printed, /low on memory/);
    assert.deepEqual(await objects.pods(), ['elsewhere', 'failed']);
  });

  it('kubeaggregatedapidown restarts the metrics-server, and no other Deployment', async (t) => {
    const objects = objectsIn(plane, 'kube-system');
    const job = await here.remediate('kubeaggregatedapidown');
    const list = '/apis/apps/v1/namespaces/kube-system/deployments';
    const path = `${list}/metrics-server`;
    expectNothing(await here.run(job), /there is no Deployment metrics-server/);
    const labels = { app: 'metrics-server' };
    await objects.create(list, {
      metadata: { name: 'metrics-server' },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    });
    t.after(async () => void (await plane.request('DELETE', path)));
    expectNothing(
      await here.run(job),
      /metrics-server does not have the label openfero\.io\/allow=true/,
    );
    await objects.patch(path, { metadata: { labels: ALLOWED } });
    for (const _ of ['first', 'again']) {
      expectDone(await here.run(job));
      assert.equal(at(await objects.get(path), 'metadata', 'generation'), 2);
    }
  });
});

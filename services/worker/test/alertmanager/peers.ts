import { type Alertmanager, startAlertmanager } from '@openfero/testkit/alertmanager';

/** They send nothing while a test runs: they are only asked. */
export const SILENT = {
  ...{ receiverUrl: 'http://127.0.0.1:9', groupWait: '1h', groupInterval: '1h' },
  repeatInterval: '1h',
};

/** Starts a cluster of two, and waits until each knows what the other one has. */
export async function startPeers(inhibitRules: readonly object[]): Promise<Alertmanager[]> {
  const first = await startAlertmanager({ ...SILENT, inhibitRules, peers: [] });
  const second = await startAlertmanager({ ...SILENT, inhibitRules, peers: [first] });
  const peers = [first, second];
  await Promise.all(peers.map((peer) => peer.settled()));
  return peers;
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Proxy as Network } from '@openfero/testkit/proxy';
import { between, type Context, type Fault, oneOf, type Place } from '../fault.ts';
import type { Installation } from '../installation.ts';

/** Network faults. @returns what heals them */
const WAYS: Readonly<Record<string, (network: Network, ms: number) => () => Promise<void>>> = {
  cut(network) {
    network.cut();
    return async () => network.heal();
  },
  'late by up to 1 s'(network, ms) {
    network.delay(ms);
    return async () => network.heal();
  },
  'a black hole'(network) {
    network.blackhole();
    return async () => network.heal();
  },
};

interface Pair {
  readonly name: string;
  readonly at: Place;
  networks(installation: Installation): Network[];
}

const PAIRS: readonly Pair[] = [
  {
    name: 'sender–receiver',
    at: 'receiver',
    networks: ({ receivers }) => receivers.map((one) => one.fromSender),
  },
  {
    name: 'receiver–Redis',
    at: 'receiver',
    networks: ({ receivers }) => receivers.map((one) => one.toRedis),
  },
  {
    name: 'worker–Redis',
    at: 'worker',
    networks: ({ workers }) => workers.map((one) => one.toRedis),
  },
  {
    name: 'worker–API server',
    at: 'worker',
    networks: ({ workers }) => workers.map((one) => one.toApiServer),
  },
];

/** Faults of the network between each pair, and of watches alone. */
export const NETWORK: readonly Fault[] = [
  ...PAIRS.flatMap(({ name, at, networks }) =>
    Object.entries(WAYS).map(([way, harm]) => ({
      name: `${name}: ${way}`,
      at: [at],
      async run({ installation, random }: Context) {
        const network = oneOf(random, networks(installation));
        const heal = harm(network, between(random, 200, 1000));
        await sleep(between(random, 2000, 8000));
        await heal();
      },
    })),
  ),
  {
    name: 'watch cut',
    at: ['worker'],
    async run({ installation, random }) {
      oneOf(random, installation.workers).api.cutWatches();
    },
  },
  {
    name: 'watch silent',
    at: ['worker'],
    async run({ installation, random }) {
      const { api } = oneOf(random, installation.workers);
      api.silence(true);
      await sleep(between(random, 5000, 15_000));
      api.silence(false);
    },
  },
];

import { setTimeout as sleep } from 'node:timers/promises';
import type { Proxy as Network } from '@openfero/testkit/proxy';
import { between, type Kind, type Means, oneOf, type Place } from '../fault.ts';
import type { Stage } from '../stage.ts';

/** What networks do. @returns what mends it */
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
  networks(stage: Stage): Network[];
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

/** The network between each pair, and a watch alone. */
export const NETWORK: readonly Kind[] = [
  ...PAIRS.flatMap(({ name, at, networks }) =>
    Object.entries(WAYS).map(([way, harm]) => ({
      name: `${name}: ${way}`,
      at: [at],
      async run({ stage, random }: Means) {
        const network = oneOf(random, networks(stage));
        const mend = harm(network, between(random, 200, 1000));
        await sleep(between(random, 2000, 8000));
        await mend();
      },
    })),
  ),
  {
    name: 'watch cut',
    at: ['worker'],
    async run({ stage, random }) {
      oneOf(random, stage.workers).api.cutWatches();
    },
  },
  {
    name: 'watch silent',
    at: ['worker'],
    async run({ stage, random }) {
      const { api } = oneOf(random, stage.workers);
      api.silence(true);
      await sleep(between(random, 5000, 15_000));
      api.silence(false);
    },
  },
];

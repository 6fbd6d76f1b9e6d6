import { setTimeout as sleep } from 'node:timers/promises';
import { between, type Fault } from '../fault.ts';

/** Requests at once: Alertmanager answers 503 to more than eight. */
const FLOOD = 40;

/** Milliseconds that each answer takes where it is slow: below the 5 s that a worker waits. */
const SLOW = 3000;

/** Workers ask Alertmanager before each Job. It crashes, is away, is slow, and has too much to do. */
export const ALERTMANAGER: readonly Fault[] = [
  {
    name: 'Alertmanager killed, and back without its alerts',
    at: ['alertmanager'],
    async run({ installation: { alertmanager }, random }) {
      await alertmanager.kill();
      await sleep(between(random, 1000, 6000));
      await alertmanager.restart();
    },
  },
  {
    name: 'worker–Alertmanager: cut',
    at: ['alertmanager'],
    async run({ installation: { toAlertmanager }, random }) {
      toAlertmanager.cut();
      await sleep(between(random, 2000, 8000));
      toAlertmanager.heal();
    },
  },
  {
    name: 'worker–Alertmanager: slow',
    at: ['alertmanager'],
    async run({ installation: { toAlertmanager }, random }) {
      toAlertmanager.delay(SLOW);
      await sleep(between(random, 2000, 8000));
      toAlertmanager.heal();
    },
  },
  {
    name: 'Alertmanager answers 503',
    at: ['alertmanager'],
    async run({ installation: { alertmanager }, random }) {
      const until = Date.now() + between(random, 2000, 5000);
      const ask = async (): Promise<void> => {
        while (Date.now() < until) {
          const response = await fetch(`${alertmanager.url}/api/v2/alerts`).catch(() => undefined);
          await response?.body?.cancel();
        }
      };
      await Promise.all(Array.from({ length: FLOOD }, ask));
    },
  },
];

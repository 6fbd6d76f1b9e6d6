import { createServer } from 'node:net';
import { type Service, serverOf, startService } from '@openfero/testkit/process';
import { startRedis } from '@openfero/testkit/redis';
import type { DemoCluster } from './cluster.ts';

/** The running demo. */
export interface Demo {
  readonly receiverUrl: string;
  readonly dashboardUrl: string;
  readonly worker: Service;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const PORTS = { receiver: 8080, worker: 8081, dashboard: 8082 } as const;
type Name = keyof typeof PORTS;

/** @throws naming the port that is in use */
export async function assertPortsFree(): Promise<void> {
  await Promise.all(Object.entries(PORTS).map(([name, port]) => assertFree(name, port)));
}

/**
 * Starts Redis and the three services, on the loopback interface only.
 *
 * @throws if Redis is missing, saying how to install it
 */
export async function startDemo({ workerEnv }: DemoCluster): Promise<Demo> {
  const redis = await startRedis();
  const started: Service[] = [];
  const start = async (name: Name, env: DemoCluster['workerEnv'] = {}): Promise<Service> => {
    const service = await startService(serverOf(name), {
      REDIS_URL: redis.url,
      HOST,
      PORT: String(PORTS[name]),
      ...env,
    });
    started.push(service);
    await service.ready();
    return service;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((service) => service.stop()));
    await redis.stop();
  };
  try {
    const [worker] = await Promise.all([
      start('worker', workerEnv),
      start('receiver'),
      start('dashboard'),
    ]);
    const url = (name: Name): string => `http://localhost:${PORTS[name]}`;
    return { receiverUrl: url('receiver'), dashboardUrl: url('dashboard'), worker, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function assertFree(name: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = createServer()
      .once('error', () => {
        reject(
          new Error(`port ${port} for the ${name} is in use: stop the program that listens on it`),
        );
      })
      .listen(port, HOST, () => probe.close(() => resolve()));
  });
}

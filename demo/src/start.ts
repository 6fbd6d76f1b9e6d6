import { type LogLine, type Service, serverOf, startService } from '@openfero/testkit/process';
import { startRedis } from '@openfero/testkit/redis';
import type { DemoCluster } from './cluster.ts';
import type { Options, ServiceName } from './options.ts';
import { HOST } from './ports.ts';

/** The running demo. */
export interface Demo {
  readonly receiverUrl: string;
  readonly workerUrl: string;
  readonly dashboardUrl: string;
  readonly worker: Service;
  /** Resolves when a service ends by itself, with what it said. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

export type OnLine = (service: ServiceName, line: LogLine) => void;

/**
 * Starts Redis and the three services, on the loopback interface only.
 *
 * @param onLine is called with each line of their logs
 * @param prepare is called with the URL of Redis before the services start
 * @throws if Redis is missing, saying how to install it
 */
export async function startDemo(
  { workerEnv }: DemoCluster,
  ports: Options['ports'],
  onLine: OnLine,
  prepare?: (redisUrl: string) => Promise<void>,
): Promise<Demo> {
  const redis = await startRedis();
  await prepare?.(redis.url);
  const started: Service[] = [];
  const start = async (
    name: ServiceName,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Started> => {
    const common = { REDIS_URL: redis.url, HOST, PORT: String(ports[name]) };
    const service = await startService(
      serverOf(name),
      { ...common, ...env },
      { onLine: (line) => onLine(name, line) },
    );
    started.push(service);
    await service.ready();
    return { name, service, url: await service.url() };
  };
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((service) => service.stop()));
    await redis.stop();
  };
  try {
    const [worker, receiver, dashboard] = await Promise.all([
      start('worker', workerEnv),
      start('receiver'),
      // It needs no login for the retry button: only this machine can reach it.
      start('dashboard', { OPENFERO_DASHBOARD_READ_ONLY: 'false' }),
    ]);
    return {
      receiverUrl: receiver.url,
      workerUrl: worker.url,
      dashboardUrl: dashboard.url,
      worker: worker.service,
      ended: Promise.race([worker, receiver, dashboard].map(endOf)),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Started {
  readonly name: ServiceName;
  readonly service: Service;
  readonly url: string;
}

async function endOf({ name, service }: Started): Promise<string> {
  const { code, signal } = await service.exited;
  return [`the ${name} ended (${signal ?? code})`, ...service.stderr.slice(-1)].join(': ');
}

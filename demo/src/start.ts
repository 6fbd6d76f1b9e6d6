import { cp, mkdir, mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Service, startService } from '@openfero/testkit/process';
import { startRedis } from '@openfero/testkit/redis';

/** Everything of the demo, running. */
export interface Demo {
  /** Holds operarii/ and jobs/. */
  readonly folder: string;
  readonly receiverUrl: string;
  readonly dashboardUrl: string;
  readonly worker: Service;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const PORTS = { receiver: 8080, worker: 8081, dashboard: 8082 } as const;
type Name = keyof typeof PORTS;

const EXAMPLES = fileURLToPath(new URL('../../deploy/examples/operarii', import.meta.url));

/**
 * Starts Redis and the three services, on loopback only.
 *
 * @throws saying what to do where a port is taken or Redis is missing
 */
export async function startDemo(): Promise<Demo> {
  await Promise.all(Object.entries(PORTS).map(([name, port]) => assertFree(name, port)));
  const folder = await mkdtemp(join(tmpdir(), 'openfero-demo-'));
  const operarii = join(folder, 'operarii');
  await mkdir(join(folder, 'jobs'));
  await cp(EXAMPLES, operarii, { recursive: true });
  const redis = await startRedis();
  const started: Service[] = [];
  const start = async (name: Name, env: Record<string, string> = {}): Promise<Service> => {
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
      start('worker', {
        OPENFERO_CLUSTER: 'directory',
        OPENFERO_OPERARII_DIR: operarii,
        OPENFERO_JOBS_DIR: join(folder, 'jobs'),
      }),
      start('receiver'),
      start('dashboard'),
    ]);
    const url = (name: Name): string => `http://localhost:${PORTS[name]}`;
    return { folder, receiverUrl: url('receiver'), dashboardUrl: url('dashboard'), worker, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function serverOf(name: Name): string {
  return fileURLToPath(new URL(`../../services/${name}/src/server.ts`, import.meta.url));
}

async function assertFree(name: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = createServer()
      .once('error', () => {
        reject(new Error(`port ${port}, the ${name}'s, is taken: stop what listens there`));
      })
      .listen(port, HOST, () => probe.close(() => resolve()));
  });
}

import { once } from 'node:events';
import { createServer } from 'node:net';
import { codeOf } from '@openfero/core/errors';
import { type Options, PORT_OPTIONS, type ServiceName } from './options.ts';

/** The demo listens on the loopback interface only. */
export const HOST = '127.0.0.1';

const SERVICES = ['receiver', 'worker', 'dashboard'] as const;

/** @throws one line that names the port that cannot be used, and the option to change it */
export async function assertPortsFree(ports: Options['ports']): Promise<void> {
  for (const [index, service] of SERVICES.entries()) {
    const other = SERVICES.slice(0, index).find((one) => ports[one] === ports[service]);
    if (other !== undefined && ports[service] !== 0) {
      throw unusable(service, ports[service], `is also the port of the ${other}`);
    }
    await assertFree(service, ports[service]);
  }
}

async function assertFree(service: ServiceName, port: number): Promise<void> {
  const probe = createServer().listen(port, HOST);
  try {
    await once(probe, 'listening');
  } catch (error) {
    const isUsed = codeOf(error) === 'EADDRINUSE';
    throw unusable(service, port, isUsed ? 'is in use' : `cannot be used (${codeOf(error)})`);
  }
  probe.close();
  await once(probe, 'close');
}

function unusable(service: ServiceName, port: number, why: string): Error {
  return new Error(
    `port ${port} for the ${service} ${why}: choose another with npm run demo -- ${PORT_OPTIONS[service]} N`,
  );
}

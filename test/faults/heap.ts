import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { at } from '@openfero/testkit/controlplane';
import type { Service } from '@openfero/testkit/process';

/** For the environment of a service: the inspector uses any free port, and is closed until requested. */
export const INSPECTABLE = { NODE_OPTIONS: '--inspect-port=127.0.0.1:0' };

/** Milliseconds that a service may take to open its inspector. */
const OPENS = 10_000;

/** Includes buffers, which are outside the heap. */
const MEASURE = 'process.memoryUsage().heapUsed + process.memoryUsage().external';

/**
 * The memory that a running service retains, in bytes: its heap after a full garbage collection. The
 * resident size says little, since Node returns memory to the system when it likes.
 */
export async function heapOf(service: Service): Promise<number> {
  const socket = new WebSocket(await inspectorOf(service));
  await once(socket, 'open');
  try {
    for (let i = 0; i < 2; i++) await ask(socket, 'HeapProfiler.collectGarbage');
    return Number(at(await ask(socket, 'Runtime.evaluate', { expression: MEASURE }), 'value'));
  } finally {
    socket.close();
  }
}

/** @returns the address that Node prints when SIGUSR1 opens its inspector */
async function inspectorOf(service: Service): Promise<string> {
  const address = (): string | undefined => /ws:\/\/\S+/.exec(service.stderr.join('\n'))?.[0];
  if (address() === undefined) service.kill('SIGUSR1');
  const limit = Date.now() + OPENS;
  while (address() === undefined && Date.now() < limit) await sleep(20);
  const found = address();
  if (found === undefined) throw new Error('the inspector of a service did not open');
  return found;
}

async function ask(socket: WebSocket, method: string, params: object = {}): Promise<unknown> {
  const answered = once(socket, 'message');
  socket.send(JSON.stringify({ id: 1, method, params }));
  const [message] = await answered;
  return at(JSON.parse(String(at(message, 'data'))), 'result', 'result');
}

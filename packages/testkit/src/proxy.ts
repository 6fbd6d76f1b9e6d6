import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy on the loopback that does what networks do. */
export interface Proxy {
  readonly port: number;
  /** Breaks every connection and refuses new ones. */
  cut(): void;
  /** Takes connections and bytes and passes nothing on, either way: a network that swallows. */
  blackhole(): void;
  /** Passes every byte on, in order, so much later. */
  delay(ms: number): void;
  /** As a good network again. What a black hole held comes through, as TCP would send it again. */
  heal(): void;
  close(): Promise<void>;
}

type Mode = 'pass' | 'cut' | 'blackhole';

interface State {
  mode: Mode;
  delayMs: number;
  readonly sockets: Set<Socket>;
  /** What waits for the end of the black hole. */
  held: (() => void)[];
}

export interface Target {
  readonly port: number;
  readonly host?: string;
}

export async function startProxy(target: Target): Promise<Proxy> {
  const state: State = { mode: 'pass', delayMs: 0, sockets: new Set(), held: [] };
  const server = createServer((socket) => accept(socket, target, state));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    port: address.port,
    cut() {
      state.mode = 'cut';
      destroyAll(state);
    },
    blackhole() {
      state.mode = 'blackhole';
    },
    delay(ms) {
      state.delayMs = ms;
    },
    heal() {
      state.mode = 'pass';
      state.delayMs = 0;
      for (const release of state.held.splice(0)) release();
    },
    async close() {
      destroyAll(state);
      server.close();
      await once(server, 'close');
    },
  };
}

function accept(client: Socket, target: Target, state: State): void {
  if (state.mode === 'cut') {
    client.resetAndDestroy();
    return;
  }
  const upstream = connect({ host: target.host ?? '127.0.0.1', port: target.port });
  join(client, upstream, state);
  join(upstream, client, state);
}

/** One direction: bytes of one socket to the other, its end included. */
function join(from: Socket, to: Socket, state: State): void {
  state.sockets.add(from);
  from.setNoDelay(true);
  from.on('data', (bytes) => pass(state, () => void (to.destroyed || to.write(bytes))));
  from.on('end', () => pass(state, () => void (to.destroyed || to.end())));
  // A broken connection breaks at both ends.
  from.on('error', () => to.destroy());
  from.on('close', () => {
    state.sockets.delete(from);
    pass(state, () => void to.destroySoon());
  });
}

function pass(state: State, deliver: () => void): void {
  if (state.mode === 'blackhole') state.held.push(deliver);
  else if (state.delayMs > 0) setTimeout(deliver, state.delayMs);
  else deliver();
}

function destroyAll(state: State): void {
  state.held = [];
  for (const socket of state.sockets) socket.destroy();
}

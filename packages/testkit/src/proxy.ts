import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { listen } from './listen.ts';

/** A TCP proxy on the loopback that does what networks do. */
export interface Proxy {
  readonly port: number;
  /** Breaks every connection and refuses new ones. */
  cut(): void;
  /** Takes connections and bytes and passes nothing on, either way: a network that swallows. */
  blackhole(): void;
  /** Passes every byte on, in order, so much later. */
  delay(ms: number): void;
  /** Drops, as a router does, the connections that are open, and tells neither end. New ones work. */
  forget(): void;
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
  const port = await listen(server);
  return {
    port,
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
    forget() {
      for (const socket of state.sockets) {
        for (const event of ['data', 'end']) socket.removeAllListeners(event);
        socket.resume();
      }
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
  const pass = lane(state);
  state.sockets.add(from);
  from.setNoDelay(true);
  from.on('data', (bytes) => pass(() => void (to.destroyed || to.write(bytes))));
  from.on('end', () => pass(() => void (to.destroyed || to.end())));
  // A broken connection breaks at both ends.
  from.on('error', () => to.destroy());
  from.on('close', () => {
    state.sockets.delete(from);
    pass(() => void to.destroySoon());
  });
}

/** Delivers in order, whatever becomes of the delay meanwhile: nothing overtakes what is late. */
function lane(state: State): (deliver: () => void) => void {
  const late: (() => void)[] = [];
  let due = 0;
  return function pass(deliver) {
    if (state.mode === 'blackhole') {
      state.held.push(() => pass(deliver));
      return;
    }
    const now = performance.now();
    due = Math.max(due, now + state.delayMs);
    if (late.length === 0 && due <= now) {
      deliver();
      return;
    }
    late.push(deliver);
    // Each timer delivers whatever is next: timers of a millisecond may change places.
    setTimeout(() => late.shift()?.(), due - now);
  };
}

function destroyAll(state: State): void {
  state.held = [];
  for (const socket of state.sockets) socket.destroy();
}
